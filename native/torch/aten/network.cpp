#include "torch/aten/network.hpp"

#include <c10/core/InferenceMode.h>

#include <utility>

#include "torch/aten/arithmetic.hpp"

namespace medlsam::torch {

AtenNetwork::AtenNetwork(Graph graph, const WeightMap& weights, const at::TensorOptions& options)
    : graph_(std::move(graph)), options_(options) {
  const c10::InferenceMode inference;
  for (const auto& [name, weight] : weights) weights_[name] = weight.to(options);
}

std::vector<at::Tensor> AtenNetwork::run(std::span<const at::Tensor> inputs, const Check& check) {
  const c10::InferenceMode inference;
  // Runs take turns: each uses all threads anyway, and two would need twice the memory.
  const std::lock_guard lock(mutex_);
  allow_tf32(false);
  std::vector<at::Tensor> values;
  for (const at::Tensor& input : inputs) values.push_back(input.to(options_));
  values = execute(graph_, weights_, values, {check, nullptr});
  for (at::Tensor& value : values) value = value.to(at::kCPU, at::kFloat).contiguous();
  return values;
}

}  // namespace medlsam::torch
