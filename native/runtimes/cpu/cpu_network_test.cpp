// What the CPU runtime promises besides right answers: the same bytes whatever runs beside, memory that is
// used again and given back, cancellation.
#include "runtimes/cpu/cpu_network.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstring>
#include <map>
#include <random>
#include <thread>

#include "base/error.hpp"
#include "base/executor.hpp"
#include "base/simd.hpp"
#include "runtimes/cpu/cpu_runtime.hpp"

namespace medlsam::cpu {
namespace {

// Before any test asks for the process's executor.
const unsigned kThreads = threads_of_process(7);

std::vector<float> random_values(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

// A graph and random values for its parameters.
class Example {
 public:
  // A little of what MedLAM is made of, (n, 1, 16, 16, 16) → (n, 3), (n, 5, 16, 16, 16).
  static Example volumes() {
    Example example;
    Graph& graph = example.graph;
    Value x = graph.input("x", {kAnyExtent, 1, 16, 16, 16});
    const Value skip = example.unit(example.unit(x, 1, 9), 9, 9);
    x = example.unit(graph.max_pool(skip, 2), 9, 17);
    const Value position = graph.linear(graph.flatten(x), example.parameter({3, 17 * 512}));
    x = example.unit(graph.concat(graph.upsample(x, 2), skip, 1), 26, 5);
    graph.output(position);
    graph.output(x);
    return example;
  }

  // A little of what SAM's encoder is made of, (n, 10, 10, 48) → (n, 48, 10, 10).
  static Example tokens() {
    Example example;
    Graph& graph = example.graph;
    Value x = graph.input("x", {kAnyExtent, 10, 10, 48});
    const Value normed = graph.layer_norm(x, example.parameter({48}), example.parameter({48}), 1e-6f);
    const Value qkv = graph.linear(normed, example.parameter({144, 48}));
    const Value bias = example.parameter({144});
    const Value tables[] = {example.parameter({7, 12}), example.parameter({7, 12})};
    x = graph.add(x, graph.window_attention(qkv, bias, tables[0], tables[1], 4, 4));
    const Value inner = graph.gelu(graph.linear(x, example.parameter({200, 48}), example.parameter({200})));
    x = graph.add(x, graph.linear(inner, example.parameter({48, 200})));
    graph.output(graph.transpose(x, {0, 3, 1, 2}));
    return example;
  }

  Value parameter(const Shape& shape) {
    const std::string name = "parameter" + std::to_string(values.size());
    values[name] = random_values(shape_elements(shape), static_cast<unsigned>(values.size()));
    return graph.parameter(name, shape);
  }

  ParameterMap parameters() const {
    ParameterMap map;
    for (const NamedValue& each : graph.parameters()) {
      const std::span<const float> held(values.at(each.name));
      map[each.name] = {DType::kF32, graph.shape(each.value), std::as_bytes(held)};
    }
    return map;
  }

  Tensor input(std::int64_t batch) const {
    Shape shape = graph.shape(graph.inputs()[0].value);
    shape[0] = batch;
    return Tensor::on_host(random_values(shape_elements(shape), 7), shape);
  }

  Graph graph;
  std::map<std::string, std::vector<float>> values;

 private:
  Value unit(Value x, std::int64_t in, std::int64_t out) {
    return graph.instance_norm_relu(graph.convolution(x, parameter({out, in, 3, 3, 3}), parameter({out}), 1),
                                    1e-5f);
  }
};

Task with_threads(unsigned threads) {
  Task task;
  task.threads = threads;
  return task;
}

bool same_bytes(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].shape() != b[i].shape()) return false;
    if (std::memcmp(a[i].floats(), b[i].floats(), a[i].elements() * sizeof(float)) != 0) return false;
  }
  return a.size() == b.size();
}

}  // namespace

TEST_CASE("any number of threads gives the same bytes, and so does any batch") {
  REQUIRE(kThreads == 7);
  for (const Example& example : {Example::volumes(), Example::tokens()}) {
    CpuNetwork network(example.graph, example.parameters());
    const Tensor input = example.input(3);
    const auto wanted = network.run(std::span(&input, 1), with_threads(1));
    for (const unsigned threads : {2u, 3u, 7u})
      CHECK(same_bytes(network.run(std::span(&input, 1), with_threads(threads)), wanted));
    for (std::int64_t n = 0; n < 3; ++n) {
      const Tensor part = input.slice(n, n + 1);
      std::vector<Tensor> parts;
      for (const Tensor& each : wanted) parts.push_back(each.slice(n, n + 1));
      const auto found = network.run(std::span(&part, 1), with_threads(2));
      for (std::size_t i = 0; i < parts.size(); ++i) {
        for (std::size_t j = 0; j < parts[i].elements(); ++j)
          REQUIRE(found[i].floats()[j] == doctest::Approx(parts[i].floats()[j]).epsilon(1e-4));
      }
    }
  }
}

TEST_CASE("calls at once give the same bytes, and leave no more memory than calls one after another") {
  const Example example = Example::volumes();
  CpuNetwork network(example.graph, example.parameters());
  const Tensor inputs[] = {example.input(1), example.input(2)};
  std::vector<std::vector<Tensor>> wanted;
  for (const Tensor& input : inputs) wanted.push_back(network.run(std::span(&input, 1), with_threads(1)));

  constexpr std::size_t kCallers = 4;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> callers;
  for (std::size_t caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([&, caller] {
      for (std::size_t i = 0; i < 6; ++i) {
        const Tensor& input = inputs[(caller + i) % 2];
        const auto found = network.run(std::span(&input, 1), with_threads(2));
        if (!same_bytes(found, wanted[(caller + i) % 2])) ++wrong;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
  // Calls one after another need one; what several at once needed is freed after a while.
  for (int i = 0; i < 40; ++i) (void)network.run(std::span(&inputs[0], 1), with_threads(1));
  CHECK(arenas().idle() == 1);
}

TEST_CASE("networks that are used in turn share an arena") {
  const Example volumes = Example::volumes(), tokens = Example::tokens();
  const Tensor volume = volumes.input(1), grid = tokens.input(1);
  CpuNetwork one(volumes.graph, volumes.parameters()), other(tokens.graph, tokens.parameters());
  for (int i = 0; i < 20; ++i) {
    (void)one.run(std::span(&volume, 1), with_threads(1));
    (void)other.run(std::span(&grid, 1), with_threads(1));
  }
  CHECK(arenas().idle() == 1);
}

TEST_CASE("outputs outlive the network, and their memory is used again once they are gone") {
  const Example example = Example::volumes();
  const Tensor input = example.input(1);
  auto network = std::make_unique<CpuNetwork>(example.graph, example.parameters());
  auto outputs = network->run(std::span(&input, 1), with_threads(1));
  const std::vector<float> kept(outputs[1].floats(), outputs[1].floats() + outputs[1].elements());
  const float* place = outputs[1].floats();
  auto others = network->run(std::span(&input, 1), with_threads(1));
  CHECK(others[1].floats() != place);
  outputs.clear();
  outputs = network->run(std::span(&input, 1), with_threads(1));
  CHECK(outputs[1].floats() == place);
  network.reset();
  CHECK(std::equal(kept.begin(), kept.end(), outputs[1].floats()));
}

TEST_CASE("a call that is cancelled ends with ABORTED, and the next one runs") {
  const Example example = Example::volumes();
  CpuNetwork network(example.graph, example.parameters());
  const Tensor input = example.input(1);
  Task task = with_threads(2);
  task.cancelled = std::make_shared<Cancellation>();
  task.cancelled->request();
  CHECK_THROWS_WITH_AS((void)network.run(std::span(&input, 1), task), "The operation was aborted.", Error);
  CHECK(network.run(std::span(&input, 1), with_threads(2)).size() == 2);
}

TEST_CASE("outputs may be inputs, parameters, parts and the same value twice") {
  Example example;
  const Value x = example.graph.input("x", {kAnyExtent, 6});
  const Value part = example.graph.slice(example.graph.relu(x), 0, 0, 1);
  example.graph.output(example.graph.dropout(x));
  example.graph.output(example.parameter({2, 3}));
  example.graph.output(part);
  example.graph.output(example.graph.reshape(part, {3, 2}));
  CpuNetwork network(example.graph, example.parameters());
  const Tensor input = Tensor::on_host({-1, 2, 3, 4, -5, 6, 7, 8, 9, 10, 11, 12}, {2, 6});
  const auto outputs = network.run(std::span(&input, 1), {});
  REQUIRE(outputs.size() == 4);
  CHECK(std::equal(input.floats(), input.floats() + 12, outputs[0].floats()));
  CHECK(outputs[0].floats() != input.floats());
  CHECK(outputs[1].floats()[5] == example.values.at("parameter0")[5]);
  const float wanted[] = {0, 2, 3, 4, 0, 6};
  CHECK(std::equal(wanted, wanted + 6, outputs[2].floats()));
  CHECK(outputs[3].shape() == Shape{3, 2});
  CHECK(std::equal(wanted, wanted + 6, outputs[3].floats()));
}

TEST_CASE("the cpu runtime refuses GPUs and low precision, saying who has them") {
  const auto runtime = open_cpu_runtime();
  CHECK_THROWS_WITH_AS((void)runtime->place({{DeviceKind::kCuda, 0}, DType::kF32, 1}),
                       doctest::Contains("not on cuda:0: the onnx and torch ones"), Error);
  CHECK_THROWS_WITH_AS((void)runtime->place({{}, DType::kF16, 1}), doctest::Contains("torch"), Error);
  if (simd_has_bfloat16()) {
    CHECK(runtime->place({{}, DType::kBF16, 1}).precision == DType::kBF16);
  } else {
    CHECK_THROWS_WITH_AS((void)runtime->place({{}, DType::kBF16, 1}), doctest::Contains("AVX-512 BF16"),
                         Error);
  }
}

}  // namespace medlsam::cpu
