// Activations of a network of 3D convolutions in the layout of our own kernels
// (kernels/convolution/activations.hpp), differentiable: on the CPU in float32.
//
// A blocked tensor's values are as its convolution left them, not yet normalized. Its gradient, however, is
// always that of the normalized values, which its readers see: what lies between the two is the convolution's
// own to do.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

#include "base/task.hpp"
#include "kernels/convolution/activations.hpp"

namespace medlsam::torch {

struct BlockedTensor {
  at::Tensor values;         // (n, blocks, z, y, x, lanes), with the border
  at::Tensor scale, offset;  // (n, padded channels)
  bool normalized = false;   // whether a ReLU follows scale and offset
  std::int64_t channels = 0;
  convolution::Extents extents;

  convolution::BlockedLayout layout() const;
  convolution::Activations activations() const;
};

// As many threads as ATen has for this thread; they are the plugin's own executor's. ATen's work and ours
// take turns, so that no more threads compute than one of them has.
Task aten_task();

// New tensors of a layout; the border is not set.
at::Tensor empty_blocked(const convolution::BlockedLayout& layout, const at::TensorOptions& options);
// The layout of such a tensor, or of some of another one's blocks, for so many channels.
convolution::BlockedLayout layout_of(const at::Tensor& blocked, std::int64_t channels,
                                     const convolution::Extents& extents);

// Blocked values to which nothing is done.
BlockedTensor plain_blocked(const at::Tensor& values, std::int64_t channels,
                            const convolution::Extents& extents);

// x (n, c, z, y, x), float32 on the CPU.
BlockedTensor to_blocked(const at::Tensor& x);
// (n, c, z, y, x) with the channels last in memory, normalized.
at::Tensor from_blocked(const BlockedTensor& blocked);

}  // namespace medlsam::torch
