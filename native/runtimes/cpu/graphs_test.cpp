// Random graphs, in which passes find all kinds of groups and values lie in all layouts, against the
// definition in double precision.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "runtimes/cpu/cpu_network.hpp"
#include "testing/graph_reference.hpp"

namespace medlsam::cpu {
namespace {

constexpr unsigned kGraphs = 300;
constexpr int kNodes = 12;
constexpr double kTolerance = 1e-3;  // norms enlarge what was rounded before them

class RandomGraph {
 public:
  explicit RandomGraph(unsigned seed) : random_(seed) {}

  // (n, c, z, y, x), as MedLAM's values.
  RandomGraph& grow_volumes() {
    return grow({between(1, 2), between(1, 4), between(2, 6), between(2, 6), between(2, 6)},
                [this](Value x) { return volume_node(x); });
  }
  // (n, tokens, width), as SAM's.
  RandomGraph& grow_tokens() {
    return grow({between(1, 3), between(1, 20), 2 * between(1, 20)},
                [this](Value x) { return token_node(x); });
  }

  double error() const {
    ParameterMap parameters;
    std::map<std::string, DoubleTensor> doubles;
    for (const NamedValue& each : graph_.parameters()) {
      const std::vector<float>& held = parameters_.at(each.name);
      parameters[each.name] = {DType::kF32, graph_.shape(each.value), std::as_bytes(std::span(held))};
      doubles[each.name] = {graph_.shape(each.value), {held.begin(), held.end()}};
    }
    Task task;
    task.threads = 2;
    const auto found = CpuNetwork(graph_, parameters).run(std::span(&input_, 1), task);
    const DoubleTensor x = {input_.shape(), {input_.floats(), input_.floats() + input_.elements()}};
    const auto wanted = evaluate_graph(graph_, doubles, std::span(&x, 1));
    double worst = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) worst = std::max(worst, error(found[i], wanted[i]));
    return worst;
  }

 private:
  static double error(const Tensor& found, const DoubleTensor& wanted) {
    REQUIRE(found.shape() == wanted.shape);
    double worst = 0, greatest = 1;
    for (std::size_t i = 0; i < wanted.values.size(); ++i) {
      const double difference = std::abs(static_cast<double>(found.floats()[i]) - wanted.values[i]);
      worst = difference <= worst ? worst : difference;  // a NaN is worst of all
      greatest = std::max(greatest, std::abs(wanted.values[i]));
    }
    return worst / greatest;
  }

  template <class Node>
  RandomGraph& grow(const Shape& shape, const Node& node) {
    input_ = Tensor::on_host(random_values(shape), shape);
    Shape declared = shape;
    declared[0] = kAnyExtent;
    values_.push_back(graph_.input("x", declared));
    for (int i = 0; i < kNodes; ++i) values_.push_back(node(any()));
    for (int i = 0; i < 3; ++i) graph_.output(any());
    graph_.output(values_.back());
    return *this;
  }

  std::int64_t between(std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(least, most)(random_);
  }
  std::vector<float> random_values(const Shape& shape, float size = 1) {
    std::normal_distribution<float> normal(0, size);
    std::vector<float> values(shape_elements(shape));
    for (float& value : values) value = normal(random_);
    return values;
  }
  Value parameter(const Shape& shape, float size) {
    const std::string name = "parameter" + std::to_string(parameters_.size());
    parameters_[name] = random_values(shape, size);
    return graph_.parameter(name, shape);
  }

  // Late values more often than early ones: chains grow.
  Value any() {
    const auto last = static_cast<std::int64_t>(values_.size()) - 1;
    return values_[static_cast<std::size_t>(std::max(between(0, last), between(0, last)))];
  }

  Value convolution(Value x, std::int64_t edge) {
    const std::int64_t in = graph_.shape(x)[1], out = between(1, 9);
    const auto size = static_cast<float>(1 / std::sqrt(static_cast<double>(in * edge * edge * edge)));
    const Value weight = parameter({out, in, edge, edge, edge}, size);
    if (between(0, 1) == 0) return graph_.convolution(x, weight, edge / 2);
    return graph_.convolution(x, weight, parameter({out}, 1), edge / 2);
  }

  // Joined with a value of the same places, itself at least.
  Value concat(Value x) {
    const Shape& shape = graph_.shape(x);
    Value other = x;
    for (const Value each : values_) {
      const Shape& its = graph_.shape(each);
      if (std::equal(its.begin() + 2, its.end(), shape.begin() + 2) && between(0, 1) == 0) other = each;
    }
    return graph_.concat(other, x, 1);
  }

  Value volume_node(Value x) {
    const Shape shape = graph_.shape(x);
    const std::int64_t least = *std::min_element(shape.begin() + 2, shape.end());
    const std::int64_t most = *std::max_element(shape.begin() + 2, shape.end());
    switch (between(0, 10)) {
      case 0:
      case 1:
        if (least > 1) return graph_.instance_norm_relu(convolution(x, 3), 1e-5f);
        return graph_.dropout(x);
      case 2:
        return convolution(x, 3);
      case 3:
        return convolution(x, 1);
      case 4:
        return least > 1 ? graph_.max_pool(x, 2) : graph_.relu(x);
      case 5:
        return most < 7 ? graph_.upsample(x, 2) : graph_.gelu(x);
      case 6:
        return shape[1] < 20 ? concat(x) : graph_.slice(x, 1, 3, 17);
      case 7:
        return graph_.dropout(x);
      case 8:
        return graph_.add(x, parameter({shape[1], 1, 1, 1}, 1));
      case 9:
        return graph_.slice(x, 2, least / 2, shape[2]);
      default:
        return graph_.transpose(graph_.relu(x), {0, 1, 4, 2, 3});
    }
  }

  // A value of the same shape, x at least.
  Value like(Value x) {
    Value found = x;
    for (const Value each : values_) {
      if (graph_.shape(each) == graph_.shape(x) && between(0, 1) == 0) found = each;
    }
    return found;
  }

  Value linear(Value x, std::int64_t out) {
    const std::int64_t in = graph_.shape(x).back();
    const Value weight = parameter({out, in}, static_cast<float>(1 / std::sqrt(static_cast<double>(in))));
    return between(0, 1) == 0 ? graph_.linear(x, weight) : graph_.linear(x, weight, parameter({out}, 1));
  }
  Value linear(Value x) { return linear(x, 2 * between(1, 20)); }

  Value token_node(Value x) {
    const Shape shape = graph_.shape(x);
    const std::int64_t tokens = shape[1], width = shape[2];
    switch (between(0, 10)) {
      case 0:
      case 1:
        return linear(x);
      case 2:
        return linear(graph_.layer_norm(x, parameter({width}, 1), parameter({width}, 1), 1e-5f));
      case 3:
        return graph_.add(like(x), linear(graph_.gelu(linear(x)), width));
      case 4:
        return between(0, 1) == 0 ? graph_.gelu(linear(x)) : graph_.relu(linear(x));
      case 5:
        return graph_.add(linear(x, width), like(x));
      case 6:
        return graph_.add(x, parameter({between(0, 1) == 0 ? 1 : tokens, width}, 1));
      case 7:
        return graph_.attention(x, like(x), x, width % 4 == 0 ? 4 : 1);
      case 8:
        return tokens < 30 ? graph_.concat(x, like(x), 1) : graph_.slice(x, 1, 3, tokens);
      case 9:
        return graph_.transpose(graph_.gelu(x), {0, 2, 1});
      default:
        return width % 2 == 0 ? graph_.reshape(x, {-1, 2 * tokens, width / 2}) : graph_.dropout(x);
    }
  }

  std::mt19937 random_;
  Graph graph_;
  Tensor input_;
  std::vector<Value> values_;
  std::map<std::string, std::vector<float>> parameters_;
};

}  // namespace

TEST_CASE("random graphs are what their operations are defined as") {
  for (unsigned seed = 0; seed < kGraphs; ++seed) {
    CAPTURE(seed);
    CHECK(RandomGraph(seed).grow_volumes().error() < kTolerance);
    CHECK(RandomGraph(seed).grow_tokens().error() < kTolerance);
  }
}

}  // namespace medlsam::cpu
