// Nodes that networks of 16 bits compute in float32. Positions of MedLAM need it: rounding a patch and what
// the first convolution makes of it to 10 bits moves them by 0.1, because the normalization that follows
// magnifies what little varies in a channel; all other roundings together move them by 0.01. That convolution
// is one thousandth of the network's work, and the layers that give positions are less.
#pragma once

#include <ATen/ATen.h>

#include <set>
#include <string>
#include <vector>

#include "networks/graph.hpp"

namespace medlsam::torch {

// Wide nodes of a graph: convolutions of volumes that are the graph's inputs, each with the normalization
// that alone reads it, and linear maps of what was flattened. SAM has none.
struct WideNodes {
  std::vector<bool> units;    // by node: a convolution, computed with the normalization that is the next node
  std::vector<bool> linears;  // by node
  std::vector<bool> inputs;   // by input of the graph: those that only such convolutions read
  std::set<std::string> parameters;  // that only these nodes read
};
WideNodes find_wide_nodes(const Graph& graph);

// Convolution of x (n, c, z, y, x) by a kernel of 3×3×3 with a border of zeros, normalization and ReLU in
// float32, one image after another; the result is of `result` type, with the channels last in memory. On a
// GPU the convolution is a product of matrices: cuDNN has no fast one in float32 for few channels.
at::Tensor wide_unit(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double epsilon,
                     at::ScalarType result);

// The convolution alone, as a product of matrices.
at::Tensor convolution_by_product(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

}  // namespace medlsam::torch
