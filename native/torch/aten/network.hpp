#pragma once

#include <mutex>
#include <span>
#include <vector>

#include "torch/aten/execute.hpp"
#include "torch/aten/gpu_graphs.hpp"
#include "torch/aten/wide_nodes.hpp"

namespace medlsam::torch {

// A graph that calls ATen for every operation. Safe to run from several threads.
class AtenNetwork {
 public:
  // `weights` are the graph's parameters, float32; they are borrowed where `options` are those of float32 on
  // the CPU, and else copied.
  AtenNetwork(Graph graph, const WeightMap& weights, const at::TensorOptions& options,
              const GpuChoices& choices = {});

  // Inputs are of any floating type, on the network's device or the CPU. Outputs are row-major: float32 of a
  // network on the CPU, else of the type that it computes in, float32 those of wide nodes (wide_nodes.hpp),
  // on its GPU in the order of the current stream.
  std::vector<at::Tensor> run(std::span<const at::Tensor> inputs, const Check& check);

  at::Device device() const { return options_.device(); }

 private:
  std::vector<at::Tensor> run_on_gpu(std::span<const at::Tensor> inputs, const Check& check);

  std::vector<at::Tensor> compute(std::span<const at::Tensor> values, const Execution& execution) const;

  Graph graph_;
  WideNodes wide_;
  WeightMap weights_;
  at::TensorOptions options_;
  GpuChoices choices_;
  GpuGraphs graphs_;
  std::mutex mutex_;
};

}  // namespace medlsam::torch
