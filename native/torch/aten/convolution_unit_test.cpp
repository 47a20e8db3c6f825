// Units of 3D convolutions of our own against libtorch's operations in double precision, forward and
// backward.
#include "torch/aten/convolution_unit.hpp"

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "torch/aten/execute.hpp"

namespace medlsam::torch {
namespace {

using at::Tensor;

constexpr float kEpsilon = 1e-5f;

Tensor values(at::IntArrayRef shape, double frequency) {
  const Tensor x = at::arange(c10::multiply_integers(shape), at::kDouble);
  return (at::sin(x * x * 0.01 * frequency) + at::cos(x * frequency)).reshape(shape);
}

// Two levels of a U-Net: all that joins in a unit. `extents` are even.
struct Recorded {
  Graph graph;
  WeightMap weights;  // double
  std::vector<std::int64_t> input;

  Recorded(std::int64_t images, std::int64_t channels, std::int64_t width, const Shape& extents)
      : input{images, channels, extents[0], extents[1], extents[2]} {
    Value x = graph.input("x", input);
    const Value top = unit(unit(x, channels, width), width, 2 * width);
    const Value bottom = unit(graph.dropout(graph.max_pool(top, 2)), 2 * width, 3 * width);
    graph.output(bottom);
    x = unit(graph.concat(graph.upsample(bottom, 2), top, 1), 5 * width, width);
    graph.output(unit(x, width, width));
  }

 private:
  Value unit(Value x, std::int64_t in, std::int64_t out) {
    const std::string name = "weight" + std::to_string(weights.size());
    const Shape shape = {out, in, 3, 3, 3};
    weights[name] = values(shape, 0.7 + 0.1 * static_cast<double>(weights.size()));
    return graph.instance_norm_relu(graph.convolution(x, graph.parameter(name, shape), 1), kEpsilon);
  }
};

struct Results {
  std::vector<Tensor> outputs;
  Tensor input;  // its gradient
  WeightMap weights;
};

Results run(const Recorded& net, at::ScalarType type, bool own, bool input_wants) {
  Results results;
  WeightMap weights;
  for (const auto& [name, weight] : net.weights)
    weights[name] = weight.to(type, false, true).set_requires_grad(true);
  const Tensor x = values(net.input, 0.37).to(type).set_requires_grad(input_wants);
  Execution execution = {[] {}, [](const Tensor& value) { return value * 0.5; }, own};
  results.outputs = execute(net.graph, weights, std::span(&x, 1), execution);
  Tensor loss = at::zeros({}, type);
  for (const Tensor& output : results.outputs)
    loss = loss + (output * values(output.sizes(), 1.3).to(type)).sum();
  loss.backward();
  if (input_wants) results.input = x.grad();
  for (const auto& [name, weight] : weights) results.weights[name] = weight.grad();
  return results;
}

// The largest difference, of the largest value.
double difference(const Tensor& ours, const Tensor& wanted) {
  return ((ours - wanted).abs().max() / wanted.abs().max()).item<double>();
}

void compare(const Recorded& net, bool input_wants) {
  const Results ours = run(net, at::kFloat, true, input_wants),
                wanted = run(net, at::kDouble, false, input_wants);
  // libtorch's own convolutions in single precision differ as much.
  const Results single = run(net, at::kFloat, false, input_wants);
  const auto check = [](const Tensor& own, const Tensor& theirs, const Tensor& exact) {
    CHECK(own.sizes() == exact.sizes());
    CHECK(difference(own, exact) < std::max(2e-5, 4 * difference(theirs, exact)));
  };
  for (std::size_t i = 0; i < ours.outputs.size(); ++i)
    check(ours.outputs[i], single.outputs[i], wanted.outputs[i]);
  if (input_wants) check(ours.input, single.input, wanted.input);
  for (const auto& [name, gradient] : wanted.weights) {
    CAPTURE(name);
    check(ours.weights.at(name), single.weights.at(name), gradient);
  }
}

TEST_CASE("units of convolutions: libtorch's values and gradients") {
  compare(Recorded(2, 3, 2, {8, 12, 8}), true);     // channels that fill no vector
  compare(Recorded(1, 16, 16, {6, 4, 10}), true);   // whole vectors, tiles of 2³ and as it is written
  compare(Recorded(3, 1, 8, {16, 16, 16}), false);  // a single channel
  compare(Recorded(1, 1, 4, {20, 24, 36}), true);   // many tiles
  compare(Recorded(1, 1, 24, {6, 6, 6}), false);
}

TEST_CASE("units of convolutions: any number of threads gives the same bytes") {
  const Recorded net(2, 1, 16, {24, 24, 24});
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const Results one = run(net, at::kFloat, true, false);
  at::set_num_threads(3);
  const Results three = run(net, at::kFloat, true, false);
  at::set_num_threads(threads);
  for (std::size_t i = 0; i < one.outputs.size(); ++i) CHECK(at::equal(one.outputs[i], three.outputs[i]));
  for (const auto& [name, gradient] : one.weights) CHECK(at::equal(gradient, three.weights.at(name)));
}

TEST_CASE("units of convolutions: without gradients the values are the same") {
  const Recorded net(1, 1, 4, {8, 8, 8});
  const Results results = run(net, at::kFloat, true, false);
  const c10::NoGradGuard no_gradient;
  WeightMap weights;
  for (const auto& [name, weight] : net.weights) weights[name] = weight.to(at::kFloat);
  const Tensor x = values(net.input, 0.37).to(at::kFloat);
  const Execution execution = {[] {}, [](const Tensor& value) { return value * 0.5; }, true};
  const auto outputs = execute(net.graph, weights, std::span(&x, 1), execution);
  for (std::size_t i = 0; i < outputs.size(); ++i) CHECK(at::equal(outputs[i], results.outputs[i]));
}

}  // namespace
}  // namespace medlsam::torch
