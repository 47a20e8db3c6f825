#include "torch/aten/network.hpp"

#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <utility>

#include "torch/aten/arithmetic.hpp"
#include "torch/aten/execute_wide.hpp"

namespace medlsam::torch {
namespace {

// Networks of volumes compute in float16 where bfloat16 is asked for, which is as fast. Its 8 bits move
// positions of MedLAM by 0.5 (by 0.4 with the first unit in float32, by less than 0.1 only if nine tenths of
// the network's work were in float32), the 11 of float16 by less than 2e-2 (bench/RESULTS.md).
at::TensorOptions fit_for(const WideNodes& wide, const at::TensorOptions& options) {
  const bool has_volumes = std::ranges::find(wide.units, true) != wide.units.end();
  return has_volumes && options.dtype() == at::kBFloat16 ? options.dtype(at::kHalf) : options;
}

}  // namespace

AtenNetwork::AtenNetwork(Graph graph, const WeightMap& weights, const at::TensorOptions& options,
                         const GpuChoices& choices)
    : graph_(std::move(graph)),
      wide_(find_wide_nodes(graph_)),
      options_(fit_for(wide_, options)),
      choices_(choices) {
  const c10::InferenceMode inference;
  const at::TensorOptions wide_options = options.dtype(at::kFloat);
  const bool last = !options.device().is_cpu() && choices.channels_last;
  for (const auto& [name, weight] : weights) {
    const bool is_wide = wide_.parameters.contains(name);
    at::Tensor own = weight.to(is_wide ? wide_options : options_);
    if (last && own.dim() == 5 && !is_wide) own = own.contiguous(at::MemoryFormat::ChannelsLast3d);
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
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const bool is_wide = i < wide_.inputs.size() && wide_.inputs[i];
    values.push_back(inputs[i].to(is_wide ? options_.dtype(at::kFloat) : options_, true));
  }
  if (!options_.device().is_cpu()) return run_on_gpu(values, check);
  values = compute(values, {check, nullptr});
  for (at::Tensor& value : values) value = value.to(at::kFloat).contiguous();
  return values;
}

std::vector<at::Tensor> AtenNetwork::compute(std::span<const at::Tensor> values,
                                             const Execution& execution) const {
  const at::ScalarType precision = c10::typeMetaToScalarType(options_.dtype());
  if (precision == at::kFloat) return execute(graph_, weights_, values, execution);
  return execute_wide(graph_, weights_, values, execution, wide_, precision);
}

std::vector<at::Tensor> AtenNetwork::run_on_gpu(std::span<const at::Tensor> inputs, const Check& check) {
  const Arithmetic arithmetic(choices_);
  const auto run_once = [&](std::span<const at::Tensor> values, const Check& between) {
    std::vector<at::Tensor> outputs = compute(values, {between, nullptr, false, choices_});
    for (at::Tensor& output : outputs) output = output.contiguous();
    return outputs;
  };
  check();
  if (!choices_.graphs) return run_once(inputs, check);
  return graphs_.run(inputs, [&](std::span<const at::Tensor> values) { return run_once(values, check); });
}

}  // namespace medlsam::torch
