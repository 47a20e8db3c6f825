#include "torch/aten/network.hpp"

#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/InferenceMode.h>

#include <utility>

#include "torch/aten/arithmetic.hpp"

namespace medlsam::torch {

AtenNetwork::AtenNetwork(Graph graph, const WeightMap& weights, const at::TensorOptions& options,
                         const GpuChoices& choices)
    : graph_(std::move(graph)), options_(options), choices_(choices) {
  const c10::InferenceMode inference;
  const bool last = !options.device().is_cpu() && choices.channels_last;
  for (const auto& [name, weight] : weights) {
    at::Tensor own = weight.to(options);
    if (last && own.dim() == 5) own = own.contiguous(at::MemoryFormat::ChannelsLast3d);
    weights_[name] = std::move(own);
  }
  // Runs are on streams of their own, which do not wait for the one that this was done on.
  if (!options.device().is_cpu())
    at::detail::getCUDAHooks().deviceSynchronize(static_cast<c10::DeviceIndex>(options.device().index()));
}

std::vector<at::Tensor> AtenNetwork::run(std::span<const at::Tensor> inputs, const Check& check) {
  const c10::InferenceMode inference;
  // Runs take turns: each uses all threads, or the whole GPU, anyway, and two would need twice the memory.
  const std::lock_guard lock(mutex_);
  allow_tf32(false);
  std::vector<at::Tensor> values;
  // A copy to a GPU from memory that is not pinned has read it when the call returns, and waits for nothing.
  for (const at::Tensor& input : inputs) values.push_back(input.to(options_, true));
  if (!options_.device().is_cpu()) return run_on_gpu(values, check);
  values = execute(graph_, weights_, values, {check, nullptr});
  for (at::Tensor& value : values) value = value.to(at::kFloat).contiguous();
  return values;
}

std::vector<at::Tensor> AtenNetwork::run_on_gpu(std::span<const at::Tensor> inputs, const Check& check) {
  const Arithmetic arithmetic(choices_);
  const auto compute = [&](std::span<const at::Tensor> values, const Check& between) {
    std::vector<at::Tensor> outputs = execute(graph_, weights_, values, {between, nullptr, false, choices_});
    for (at::Tensor& output : outputs) output = output.contiguous();
    return outputs;
  };
  check();
  if (!choices_.graphs) return compute(inputs, check);
  return graphs_.run(inputs, [&](std::span<const at::Tensor> values) { return compute(values, check); });
}

}  // namespace medlsam::torch
