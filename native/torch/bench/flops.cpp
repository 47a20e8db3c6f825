#include "torch/bench/flops.hpp"

#include <algorithm>

namespace medlsam::torch {
namespace {

// Elements of one row of a batch.
double elements(const Shape& shape) {
  double count = 1;
  for (const std::int64_t extent : shape) count *= static_cast<double>(std::max<std::int64_t>(1, extent));
  return count;
}

double of_window_attention(const Graph& graph, const Node& node) {
  const Shape& qkv = graph.shape(node.inputs[0]);
  const std::int64_t window = node.attributes.integer("window");
  const auto tokens = static_cast<double>(qkv[1] * qkv[2]), width = static_cast<double>(qkv[3]) / 3;
  const auto extent = static_cast<double>(window == 0 ? qkv[1] : window);
  return 4 * tokens * extent * extent * width + 4 * tokens * extent * width;
}

double of_node(const Graph& graph, const Node& node) {
  const double out = elements(graph.shape(node.result));
  const auto last = [&](int input) { return static_cast<double>(graph.shape(node.inputs[input]).back()); };
  switch (node.op) {
    case Op::kConvolution: {
      const Shape& weight = graph.shape(node.inputs[1]);
      return 2 * out * elements(weight) / static_cast<double>(weight[0]);
    }
    case Op::kLinear:
    case Op::kMatMulTransposed:
      return 2 * out * last(0);
    case Op::kAttention:
      return 4 * out * static_cast<double>(graph.shape(node.inputs[1])[1]);
    case Op::kWindowAttention:
      return of_window_attention(graph, node);
    default:
      return 0;
  }
}

}  // namespace

double count_flops(const Graph& graph) {
  double sum = 0;
  for (const Node& node : graph.nodes()) sum += of_node(graph, node);
  return sum;
}

}  // namespace medlsam::torch
