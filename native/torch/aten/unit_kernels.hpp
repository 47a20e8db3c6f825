// The kernels of a unit of 3D convolutions on tensors, without their place in differentiation
// (convolution_unit.hpp): on the CPU in float32.
#pragma once

#include <ATen/ATen.h>

#include <span>
#include <vector>

#include "torch/aten/convolution_unit.hpp"

namespace medlsam::torch {

std::vector<convolution::Source> kernel_sources(const std::vector<UnitSource>& sources);

// Convolves the sources with `weight` (out, in, 3, 3, 3).
void convolve(const std::vector<UnitSource>& sources, const at::Tensor& weight,
              const convolution::ConvolutionOutput& output, const Task& task);
// The same of row-major images x (n, 1, z, y, x).
void convolve_one_channel(const at::Tensor& x, const at::Tensor& weight,
                          const convolution::ConvolutionOutput& output, const Task& task);

// From the gradient of the convolution's own values that of the weight, and those of the sources: blocked,
// with a border of zeros.
at::Tensor weight_gradient(const std::vector<UnitSource>& sources, const at::Tensor& weight,
                           const BlockedTensor& gradient);
std::vector<at::Tensor> source_gradients(const std::vector<UnitSource>& sources, const at::Tensor& weight,
                                         const BlockedTensor& gradient);

}  // namespace medlsam::torch
