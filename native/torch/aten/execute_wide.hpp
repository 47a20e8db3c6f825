#pragma once

#include <span>
#include <vector>

#include "torch/aten/execute.hpp"
#include "torch/aten/wide_nodes.hpp"

namespace medlsam::torch {

// As execute, in `precision` of 16 bits but for the wide nodes, whose inputs and weights are float32.
std::vector<at::Tensor> execute_wide(const Graph& graph, const WeightMap& weights,
                                     std::span<const at::Tensor> inputs, const Execution& execution,
                                     const WideNodes& wide, at::ScalarType precision);

}  // namespace medlsam::torch
