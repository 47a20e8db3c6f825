// Graphs (networks/graph.hpp) over ATen: every operation is computed at once, on any device and in any
// precision, and is recorded for differentiation where a parameter asks for it.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "networks/graph.hpp"
#include "torch/aten/attention.hpp"

namespace medlsam::torch {

// A network's parameters as tensors, by name.
using WeightMap = std::map<std::string, at::Tensor>;

// float32 tensors in the memory of a checkpoint's, which outlives them.
at::Tensor borrow_weight(const TensorView& view);
WeightMap borrow_weights(const std::map<std::string, TensorView>& views);

struct Execution {
  Check check;  // called between operations
  // Training's dropout, which hides a part; without it dropout does nothing.
  std::function<at::Tensor(const at::Tensor&)> dropout;
  // Units of 3D convolutions on the CPU in float32 by our own kernels (convolution_unit.hpp), as training
  // wants.
  bool own_convolutions = false;
  GpuChoices gpu = {};
};

// The graph's outputs. `weights` has its parameters by name, of the graph's shapes or of as many elements;
// inputs and weights are of one device and precision. Intermediate results are freed after their last use.
// Throws kInternal for a parameter that is missing and for inputs of other shapes.
std::vector<at::Tensor> execute(const Graph& graph, const WeightMap& weights,
                                std::span<const at::Tensor> inputs, const Execution& execution);

}  // namespace medlsam::torch
