#include "torch/aten/graph_values.hpp"

#include <algorithm>

#include "torch/aten/upsample.hpp"

namespace medlsam::torch {
namespace {

using at::Tensor;

// Sources that a unit reads at most.
constexpr std::size_t kMostSources = 2;

bool is_unit_convolution(const Node& node, const Shape& weight) {
  const auto is = [](std::int64_t wanted) { return [wanted](std::int64_t each) { return each == wanted; }; };
  const auto& padding = node.attributes.list("padding");
  return weight.size() == 5 && std::all_of(weight.begin() + 2, weight.end(), is(3)) &&
         std::all_of(padding.begin(), padding.end(), is(1));
}

bool can_be_blocked(const Tensor& tensor) {
  return tensor.is_cpu() && tensor.scalar_type() == at::kFloat && tensor.dim() == 5;
}

}  // namespace

GraphValues::GraphValues(const Graph& graph)
    : graph_(graph), readers_(graph.values()), is_output_(graph.values()), slots_(graph.values()) {
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    for (const Value input : graph.nodes()[i].inputs)
      readers_[static_cast<std::size_t>(input.index)].push_back(i);
  }
  for (const Value output : graph.outputs()) is_output_[static_cast<std::size_t>(output.index)] = true;
}

bool GraphValues::has(Value value) const {
  return at(value).tensor.defined() || !at(value).parts.empty();
}

const Tensor& GraphValues::tensor(Value value) {
  Slot& slot = at(value);
  if (slot.tensor.defined() || slot.parts.empty()) return slot.tensor;
  std::vector<Tensor> parts;
  for (const UnitSource& part : slot.parts) {
    const Tensor whole = from_blocked(part.blocked);
    parts.push_back(part.upsampled ? upsample_double(whole) : whole);
  }
  slot.tensor = parts.size() == 1 ? parts[0] : at::cat(parts, 1);
  return slot.tensor;
}

bool GraphValues::compute_blocked(std::size_t node) {
  const Node& computed = graph_.nodes()[node];
  switch (computed.op) {
    case Op::kConvolution:
      return compute_unit(computed);
    case Op::kConcat:
      return join_sources(computed);
    case Op::kUpsample:
      return upsample_source(computed);
    default:
      return false;
  }
}

const Node* GraphValues::only_reader(Value value) const {
  const auto index = static_cast<std::size_t>(value.index);
  return readers_[index].size() == 1 && !is_output_[index] ? &graph_.nodes()[readers_[index][0]] : nullptr;
}

const Node* GraphValues::pooling_of(Value value) const {
  for (const std::size_t reader : readers_[static_cast<std::size_t>(value.index)]) {
    const Node& node = graph_.nodes()[reader];
    if (node.op == Op::kMaxPool && node.attributes.integer("size") == 2) return &node;
  }
  return nullptr;
}

bool GraphValues::compute_unit(const Node& convolution) {
  const Value x = convolution.inputs[0];
  const Tensor weight = at(convolution.inputs[1]).tensor;
  const Node* const norm = only_reader(convolution.result);
  if (norm == nullptr || norm->op != Op::kInstanceNormRelu) return false;
  if (!is_unit_convolution(convolution, weight.sizes().vec())) return false;
  const Node* const pooling = pooling_of(norm->result);
  const double epsilon = norm->attributes.real("epsilon");
  Slot& slot = at(x);
  UnitResult result;
  if (slot.parts.empty() && !can_be_blocked(slot.tensor)) return false;
  if (slot.parts.empty() && slot.tensor.size(1) == 1 && !slot.tensor.requires_grad()) {
    result = convolution_unit(slot.tensor, weight, epsilon, pooling != nullptr);
  } else {
    if (slot.parts.empty()) slot.parts.push_back({to_blocked(slot.tensor), false});
    result = convolution_unit(slot.parts, weight, epsilon, pooling != nullptr);
  }
  // The convolution alone is read by nobody.
  at(norm->result).parts = {{result.values, false}};
  if (pooling != nullptr) at(pooling->result).parts = {{*result.pooled, false}};
  return true;
}

bool GraphValues::join_sources(const Node& concat) {
  if (concat.attributes.integer("axis") != 1) return false;
  std::vector<UnitSource> parts;
  for (const Value input : concat.inputs) {
    Slot& slot = at(input);
    if (slot.parts.empty() && !can_be_blocked(slot.tensor)) return false;
    if (slot.parts.empty()) slot.parts.push_back({to_blocked(slot.tensor), false});
    parts.insert(parts.end(), slot.parts.begin(), slot.parts.end());
  }
  if (parts.size() > kMostSources) return false;
  at(concat.result).parts = std::move(parts);
  return true;
}

bool GraphValues::upsample_source(const Node& upsample) {
  Slot& slot = at(upsample.inputs[0]);
  if (upsample.attributes.integer("factor") != 2) return false;
  if (slot.parts.empty() && can_be_blocked(slot.tensor))
    slot.parts.push_back({to_blocked(slot.tensor), false});
  if (slot.parts.size() != 1 || slot.parts[0].upsampled) return false;
  at(upsample.result).parts = {{slot.parts[0].blocked, true}};
  return true;
}

}  // namespace medlsam::torch
