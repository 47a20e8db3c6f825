#pragma once

#include <ATen/ATen.h>

namespace medlsam::torch {

// relu of x (n, c, z, y, x) brought to mean 0 and variance 1 in each channel of each patch, differentiable.
// On the CPU in float32, with the channels last in memory, by kernels of our own: ATen's go over the tensor
// many times, first of all to bring the channels to the front. Same result for any number of threads.
at::Tensor instance_norm_relu(const at::Tensor& x, double epsilon);

// The same of float16 or bfloat16, not differentiable: sums in float32 of the values as they are, and a
// result in the order of x in memory. ATen's would bring the channels to the front.
at::Tensor instance_norm_relu_short(const at::Tensor& x, double epsilon);

}  // namespace medlsam::torch
