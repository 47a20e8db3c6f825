#include "torch/aten/wide_nodes.hpp"

#include <algorithm>

namespace medlsam::torch {
namespace {

using at::Tensor;

// For each value the nodes that read it; outputs of the graph count as one more reader.
std::vector<std::vector<std::size_t>> readers_of(const Graph& graph) {
  std::vector<std::vector<std::size_t>> readers(graph.values());
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    for (const Value input : graph.nodes()[i].inputs)
      readers[static_cast<std::size_t>(input.index)].push_back(i);
  }
  for (const Value output : graph.outputs())
    readers[static_cast<std::size_t>(output.index)].push_back(graph.nodes().size());
  return readers;
}

bool is_three(std::int64_t extent) {
  return extent == 3;
}

// A convolution of a volume by 3×3×3 with a bias and a border of 1.
bool is_volume_convolution(const Graph& graph, const Node& node) {
  if (node.op != Op::kConvolution || node.inputs.size() < 3) return false;
  const Shape& weight = graph.shape(node.inputs[1]);
  const auto& padding = node.attributes.list("padding");
  return weight.size() == 5 && std::all_of(weight.begin() + 2, weight.end(), is_three) &&
         std::ranges::all_of(padding, [](std::int64_t border) { return border == 1; });
}

Tensor normalized(const Tensor& x, double epsilon) {
  const Tensor centered = x - x.mean({2, 3, 4}, true);
  const Tensor variance = centered.square().mean({2, 3, 4}, true);
  return at::relu(centered * at::rsqrt(variance + epsilon));
}

}  // namespace

WideNodes find_wide_nodes(const Graph& graph) {
  const auto readers = readers_of(graph);
  const auto is_input = [&](Value value) {
    return std::ranges::any_of(graph.inputs(), [&](const NamedValue& each) { return each.value == value; });
  };
  const std::vector<Node>& nodes = graph.nodes();
  WideNodes wide;
  wide.units.resize(nodes.size());
  wide.linears.resize(nodes.size());
  std::vector<bool> flat(graph.values());  // flattened, or made of what was
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const Node& node = nodes[i];
    const auto first = static_cast<std::size_t>(node.inputs[0].index);
    const auto result = static_cast<std::size_t>(node.result.index);
    if (node.op == Op::kFlatten || (node.op == Op::kLinear && flat[first])) flat[result] = true;
    wide.linears[i] = node.op == Op::kLinear && flat[first];
    wide.units[i] = is_volume_convolution(graph, node) && is_input(node.inputs[0]) && i + 1 < nodes.size() &&
                    nodes[i + 1].op == Op::kInstanceNormRelu && readers[result] == std::vector{i + 1};
  }
  const auto only_wide_read = [&](Value value) {
    const auto& of_value = readers[static_cast<std::size_t>(value.index)];
    return !of_value.empty() && std::ranges::all_of(of_value, [&](std::size_t i) {
      return i < nodes.size() && (wide.units[i] || wide.linears[i]);
    });
  };
  for (const NamedValue& input : graph.inputs()) wide.inputs.push_back(only_wide_read(input.value));
  for (const NamedValue& parameter : graph.parameters()) {
    if (only_wide_read(parameter.value)) wide.parameters.insert(parameter.name);
  }
  return wide;
}

Tensor convolution_by_product(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const Tensor bordered = at::constant_pad_nd(x, {1, 1, 1, 1, 1, 1});
  // (n, c, z, y, x, 3, 3, 3) → (n, z, y, x, c, 3, 3, 3), as (voxels, c·27).
  const Tensor windows = bordered.unfold(2, 3, 1).unfold(3, 3, 1).unfold(4, 3, 1);
  const std::int64_t channels = weight.size(0), taps = weight.numel() / channels;
  const Tensor rows = windows.permute({0, 2, 3, 4, 1, 5, 6, 7}).reshape({-1, taps});
  const Tensor products = at::addmm(bias, rows, weight.reshape({channels, taps}).t());
  return products.view({x.size(0), x.size(2), x.size(3), x.size(4), channels}).permute({0, 4, 1, 2, 3});
}

Tensor wide_unit(const Tensor& x, const Tensor& weight, const Tensor& bias, double epsilon,
                 at::ScalarType result) {
  const auto options = x.options().dtype(result).memory_format(at::MemoryFormat::ChannelsLast3d);
  Tensor all = at::empty({x.size(0), weight.size(0), x.size(2), x.size(3), x.size(4)}, options);
  const Tensor wide_weight = weight.to(at::kFloat), wide_bias = bias.to(at::kFloat);
  for (std::int64_t i = 0; i < x.size(0); ++i) {
    const Tensor one = x.slice(0, i, i + 1).to(at::kFloat);
    const Tensor convolved = x.is_cpu() ? at::conv3d(one.contiguous(at::MemoryFormat::ChannelsLast3d),
                                                     wide_weight, wide_bias, 1, {1, 1, 1})
                                        : convolution_by_product(one, wide_weight, wide_bias);
    all.slice(0, i, i + 1).copy_(normalized(convolved, epsilon));
  }
  return all;
}

}  // namespace medlsam::torch
