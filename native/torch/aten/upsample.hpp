#pragma once

#include <ATen/ATen.h>

namespace medlsam::torch {

// Twice the extent along z, y and x of x (n, c, z, y, x): trilinear, half-pixel centers, differentiable.
// Where the channels are last in memory on the CPU they stay there on the way back as well, which ATen's does
// not do.
at::Tensor upsample_double(const at::Tensor& x);

}  // namespace medlsam::torch
