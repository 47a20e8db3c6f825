#pragma once

#include <mutex>
#include <span>
#include <vector>

#include "torch/aten/execute.hpp"

namespace medlsam::torch {

// A graph whose every run calls ATen. Safe to run from several threads.
class AtenNetwork {
 public:
  // `weights` are the graph's parameters, float32; they are borrowed where `options` are those of float32 on
  // the CPU, and else copied.
  AtenNetwork(Graph graph, const WeightMap& weights, const at::TensorOptions& options);

  // Inputs and outputs are float32 on the CPU, whatever the network computes in.
  std::vector<at::Tensor> run(std::span<const at::Tensor> inputs, const Check& check);

 private:
  Graph graph_;
  WeightMap weights_;
  at::TensorOptions options_;
  std::mutex mutex_;
};

}  // namespace medlsam::torch
