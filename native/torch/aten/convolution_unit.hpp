// A unit of a network of 3D convolutions, differentiable, by our own kernels: 3×3×3 convolution, instance
// normalization and ReLU, and the pooling after them. libtorch's take three to six times as long.
#pragma once

#include <ATen/ATen.h>

#include <optional>
#include <vector>

#include "torch/aten/blocked.hpp"

namespace medlsam::torch {

// Some of a unit's input channels.
struct UnitSource {
  BlockedTensor blocked;
  bool upsampled = false;  // read at twice its extents, trilinear
};

struct UnitResult {
  BlockedTensor values;
  std::optional<BlockedTensor> pooled;  // the greatest of every 2³ voxels
};

// relu of the convolution of one or two sources with `weight` (out, in, 3, 3, 3) and a padding of one,
// brought to mean 0 and variance 1 in each channel of each image. A bias would cancel: it has no gradient.
// Same bytes for any number of threads.
UnitResult convolution_unit(const std::vector<UnitSource>& sources, const at::Tensor& weight, double epsilon,
                            bool is_pooled);
// The same of images x (n, 1, z, y, x) of a single channel, which need no gradient.
UnitResult convolution_unit(const at::Tensor& x, const at::Tensor& weight, double epsilon, bool is_pooled);

}  // namespace medlsam::torch
