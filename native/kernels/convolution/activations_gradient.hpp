// The gradients of normalization, ReLU, pooling and upsampling on blocked activations. A gradient lies in the
// layout of its values, with a border of zeros.
#pragma once

#include <cstdint>

#include "base/task.hpp"
#include "kernels/convolution/activations.hpp"

namespace medlsam::convolution {

// The gradients of what a convolution's readers saw.
struct ReadGradients {
  const float* values = nullptr;  // of its normalized values, in their layout; null: zeros
  std::int64_t image = 0;         // floats from image to image of it
  // Those of the greatest of every 2³ values, in their own layout; null: they were not pooled.
  const float* pooled = nullptr;
  BlockedLayout pooled_layout;
};

// The gradient of a convolution's own values, which normalization() brought to `activations` (with a ReLU):
// scale·(g − mean of g − h·mean of g·h), where h are the normalized values and g the readers' gradient where
// h > 0, else 0. Of equal greatest values the first has the pooled one's gradient. `out`, of `image` floats
// from image to image, may be gradients.values; its border is left as it is.
void normalization_gradient(const Activations& activations, const ReadGradients& gradients, float* out,
                            std::int64_t image, const Task& task);

// From a gradient of upsampled values (trilinear, twice the extents) to that of the values. The border of the
// latter is set to zeros.
void upsampling_gradient(const BlockedLayout& upsampled, const float* gradient, const BlockedLayout& layout,
                         float* out, const Task& task);

}  // namespace medlsam::convolution
