#pragma once

#include <ATen/ATen.h>

namespace medlsam::torch {

// Twice the extent along z, y and x of x (n, c, z, y, x): trilinear, half-pixel centers, differentiable.
// On the CPU, channels that are last in memory are last in the gradient as well, unlike with ATen's own.
at::Tensor upsample_double(const at::Tensor& x);

}  // namespace medlsam::torch
