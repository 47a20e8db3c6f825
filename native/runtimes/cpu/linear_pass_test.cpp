// Linear maps with everything that the pass joins to them, against the graph's definition in double
// precision.
#include "runtimes/cpu/linear_pass.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "base/simd.hpp"
#include "runtimes/cpu/cpu_network.hpp"
#include "testing/graph_reference.hpp"

namespace medlsam::cpu {
namespace {

struct Trial {
  Graph graph;
  std::map<std::string, std::vector<float>> values;
  std::vector<Tensor> inputs;
  std::mt19937 random{5};

  std::vector<float> random_values(const Shape& shape) {
    std::normal_distribution<float> normal;
    std::vector<float> made(shape_elements(shape));
    for (float& value : made) value = normal(random);
    return made;
  }
  Value parameter(const Shape& shape) {
    const std::string name = "parameter" + std::to_string(values.size());
    values[name] = random_values(shape);
    return graph.parameter(name, shape);
  }
  Value input(const Shape& declared, const Shape& shape) {
    inputs.push_back(Tensor::on_host(random_values(shape), shape));
    return graph.input("input" + std::to_string(inputs.size()), declared);
  }
  Value norm(Value x, std::int64_t channels) {
    return graph.layer_norm(x, parameter({channels}), parameter({channels}), 1e-6f);
  }
  Value linear(Value x, std::int64_t out, std::int64_t in) {
    return graph.linear(x, parameter({out, in}), parameter({out}));
  }

  ParameterMap parameters() const {
    ParameterMap map;
    for (const auto& [name, held] : values)
      map[name] = {DType::kF32, {static_cast<std::int64_t>(held.size())}, std::as_bytes(std::span(held))};
    return map;
  }

  // Greatest difference of the outputs, as a share of the greatest value.
  double error(Precision precision = Precision::kFloat32) {
    const auto found = CpuNetwork(graph, parameters(), precision).run(inputs, {});
    std::map<std::string, DoubleTensor> doubles;
    for (const NamedValue& each : graph.parameters())
      doubles[each.name] = {graph.shape(each.value),
                            {values.at(each.name).begin(), values.at(each.name).end()}};
    std::vector<DoubleTensor> given;
    for (const Tensor& each : inputs)
      given.push_back({each.shape(), {each.floats(), each.floats() + each.elements()}});
    const auto wanted = evaluate_graph(graph, doubles, given);
    double worst = 0, greatest = 1;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      REQUIRE(found[i].shape() == wanted[i].shape);
      for (std::size_t j = 0; j < wanted[i].values.size(); ++j) {
        const double error = std::abs(static_cast<double>(found[i].floats()[j]) - wanted[i].values[j]);
        worst = error <= worst ? worst : error;  // a NaN is worst of all
        greatest = std::max(greatest, std::abs(wanted[i].values[j]));
      }
    }
    return worst / greatest;
  }

  std::size_t operators() const {
    const ParameterMap map = parameters();
    Compilation compilation(graph, map);
    claim_linear(compilation);
    return compilation.finish().size();
  }
};

constexpr double kTolerance = 3e-5;

}  // namespace

TEST_CASE("a block of a transformer is one operator for each linear map") {
  Trial trial;
  Graph& graph = trial.graph;
  const Value x = trial.input({kAnyExtent, 7, 33}, {2, 7, 33});
  const Value inner = graph.gelu(trial.linear(trial.norm(x, 33), 70, 33));
  const Value y = graph.add(x, trial.linear(inner, 33, 70));
  graph.output(graph.add(graph.relu(trial.linear(y, 9, 33)), trial.parameter({1, 7, 9})));
  CHECK(trial.operators() == 3);
  CHECK(trial.error() < kTolerance);
}

TEST_CASE("an activation is joined through a reshape that nothing else reads") {
  Trial trial;
  Graph& graph = trial.graph;
  const Value x = trial.input({kAnyExtent, 6, 8}, {2, 6, 8});
  const Value spread = graph.gelu(graph.reshape(trial.linear(x, 12, 8), {0, 24, -1}));
  // The addend then has the new shape.
  graph.output(graph.add(spread, trial.parameter({1, 24, 3})));
  const Value reshaped = graph.reshape(trial.linear(x, 12, 8), {0, 24, -1});
  graph.output(graph.relu(reshaped));
  graph.output(reshaped);
  CHECK(trial.operators() == 5);
  CHECK(trial.error() < kTolerance);
}

TEST_CASE("what something else reads is not joined") {
  Trial trial;
  Graph& graph = trial.graph;
  const Value x = trial.input({kAnyExtent, 7, 12}, {3, 7, 12});
  const Value normed = trial.norm(x, 12), mapped = trial.linear(normed, 12, 12);
  const Value activated = graph.gelu(mapped);
  graph.output(graph.add(normed, activated));
  graph.output(mapped);
  CHECK(trial.operators() == 4);
  CHECK(trial.error() < kTolerance);
}

TEST_CASE("what is added may be broadcast in every way") {
  const Shape added[] = {{4, 6, 5}, {1, 6, 5}, {6, 5}, {5}, {1, 1, 5}, {4, 1, 5}, {1, 5}};
  for (const Shape& shape : added) {
    for (const bool is_first : {false, true}) {
      CAPTURE(shape_text(shape));
      Trial trial;
      const Value x = trial.input({kAnyExtent, kAnyExtent, 8}, {4, 6, 8});
      // Open where the extent may turn out to be 1.
      Shape declared(shape.size(), kAnyExtent);
      declared.back() = 5;
      const Value other = trial.graph.relu(trial.input(declared, shape));
      const Value mapped = trial.linear(x, 5, 8);
      trial.graph.output(is_first ? trial.graph.add(other, mapped) : trial.graph.add(mapped, other));
      CHECK(trial.operators() == 2);
      CHECK(trial.error() < kTolerance);
    }
  }
  SUBCASE("and so may the linear map's result") {
    Trial trial;
    const Value x = trial.input({kAnyExtent, 6, 8}, {1, 6, 8});
    const Value other = trial.graph.relu(trial.input({kAnyExtent, 6, 5}, {4, 6, 5}));
    trial.graph.output(trial.graph.add(other, trial.linear(x, 5, 8)));
    CHECK(trial.operators() == 2);
    CHECK(trial.error() < kTolerance);
  }
}

TEST_CASE("a value added to itself, a weight that is no parameter, a map of vectors are left as they are") {
  Trial trial;
  Graph& graph = trial.graph;
  const Value x = trial.input({kAnyExtent, 6, 8}, {2, 6, 8});
  const Value mapped = trial.linear(x, 8, 8), twice = graph.add(mapped, mapped);
  const Value weight = graph.reshape(graph.relu(trial.parameter({40})), {5, 8});
  graph.output(graph.linear(twice, weight));
  graph.output(trial.linear(graph.flatten(x), 3, 48));
  CHECK(trial.operators() == graph.nodes().size());
  CHECK(trial.error() < kTolerance);
}

TEST_CASE(
    "weights of int8 checkpoints are multiplied by inputs of sixteen bits where there are such products") {
  Trial trial;
  const Value x = trial.input({kAnyExtent, 7, 64}, {2, 7, 64}), weight = trial.parameter({64, 64});
  trial.graph.output(trial.graph.linear(x, weight));
  std::uniform_int_distribution<int> integer(-126, 126);
  std::vector<float>& weights = trial.values.begin()->second;
  for (std::size_t i = 0; i < weights.size(); ++i)
    weights[i] = 0.01f * static_cast<float>(i % 64 == 3 ? 127 : integer(trial.random));
  const double error = trial.error();
  CHECK(error < 5e-5);
  CHECK((error > 2e-6) == simd_has_integer_pairs());
}

TEST_CASE("in bfloat16 factors have eight bits" * doctest::skip(!simd_has_bfloat16())) {
  Trial trial;
  const Value x = trial.input({kAnyExtent, 7, 64}, {2, 7, 64});
  trial.graph.output(trial.linear(x, 64, 64));
  const double error = trial.error(Precision::kBfloat16);
  CHECK(error < 5e-3);
  CHECK(error > 1e-4);
}

}  // namespace medlsam::cpu
