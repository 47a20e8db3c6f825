#include "torch/aten/wide_nodes.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "torch/aten/execute_wide.hpp"
#include "torch/aten/instance_norm.hpp"

namespace medlsam::torch {
namespace {

TEST_CASE("a convolution by a product of matrices is the convolution") {
  at::manual_seed(1);
  const at::Tensor x = at::randn({2, 3, 7, 6, 5}), weight = at::randn({4, 3, 3, 3, 3}), bias = at::randn({4});
  const at::Tensor found = convolution_by_product(x, weight, bias);
  CHECK(found.is_contiguous(at::MemoryFormat::ChannelsLast3d));
  CHECK(at::allclose(found, at::conv3d(x, weight, bias, 1, {1, 1, 1}), 1e-4, 1e-4));
}

TEST_CASE("a wide unit rounds its result alone") {
  at::manual_seed(2);
  // Differences between voxels are lost in float16: values about 8 are multiples of 1/128 there.
  const at::Tensor x = 8 + 1e-3 * at::randn({2, 1, 9, 8, 7});
  const at::Tensor weight = at::randn({4, 1, 3, 3, 3}), bias = at::randn({4});
  const at::Tensor wanted = instance_norm_relu(at::conv3d(x, weight, bias, 1, {1, 1, 1}), 1e-5);
  const at::Tensor found = wide_unit(x, weight, bias, 1e-5, at::kHalf);
  CHECK((found.scalar_type() == at::kHalf));
  CHECK(at::allclose(found.to(at::kFloat), wanted, 2e-3, 2e-3));
}

// A small MedLAM-like graph, whose second convolution and other linear map are not wide.
TEST_CASE("wide nodes are a network's first unit and the linear maps of what was flattened") {
  Graph graph;
  const Value volume = graph.input("volume", {kAnyExtent, 1, 4, 4, 4});
  const Value row = graph.input("row", {kAnyExtent, 6});
  const auto unit = [&](Value x, const std::string& name, std::int64_t in) {
    const Value weight = graph.parameter(name + ".w", {2, in, 3, 3, 3});
    return graph.instance_norm_relu(graph.convolution(x, weight, graph.parameter(name + ".b", {2}), 1),
                                    1e-5F);
  };
  const Value x = unit(unit(volume, "first", 1), "second", 2);
  const Value hidden = graph.linear(graph.flatten(x), graph.parameter("fc1", {5, 128}));
  graph.output(graph.linear(hidden, graph.parameter("fc2", {3, 5})));
  graph.output(graph.linear(row, graph.parameter("other", {3, 6})));
  const WideNodes wide = find_wide_nodes(graph);
  CHECK(std::count(wide.units.begin(), wide.units.end(), true) == 1);
  CHECK(wide.units[0]);
  CHECK(std::count(wide.linears.begin(), wide.linears.end(), true) == 2);
  CHECK((wide.inputs == std::vector{true, false}));
  CHECK((wide.parameters == std::set<std::string>{"first.w", "first.b", "fc1", "fc2"}));

  // Weights of wide nodes are float32, the others of 16 bits, and so are the outputs.
  at::manual_seed(3);
  WeightMap weights;
  for (const NamedValue& parameter : graph.parameters()) {
    const auto type = wide.parameters.contains(parameter.name) ? at::kFloat : at::kBFloat16;
    weights[parameter.name] = at::randn(graph.shape(parameter.value)).to(type);
  }
  const std::vector<at::Tensor> inputs = {at::randn({2, 1, 4, 4, 4}), at::randn({2, 6}).to(at::kBFloat16)};
  Execution execution;
  execution.check = [] {};
  const auto outputs = execute_wide(graph, weights, inputs, execution, wide, at::kBFloat16);
  CHECK((outputs.at(0).scalar_type() == at::kFloat));
  CHECK((outputs.at(1).scalar_type() == at::kBFloat16));
}

TEST_CASE("a convolution that something else reads as well is not wide") {
  Graph graph;
  const Value volume = graph.input("volume", {kAnyExtent, 1, 4, 4, 4});
  const Value convolved =
      graph.convolution(volume, graph.parameter("w", {2, 1, 3, 3, 3}), graph.parameter("b", {2}), 1);
  graph.output(graph.instance_norm_relu(convolved, 1e-5F));
  graph.output(convolved);
  const WideNodes wide = find_wide_nodes(graph);
  CHECK_FALSE(wide.units[0]);
  CHECK((wide.inputs == std::vector{false}));
  CHECK(wide.parameters.empty());
}

}  // namespace
}  // namespace medlsam::torch
