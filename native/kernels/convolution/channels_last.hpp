#pragma once

#include "base/task.hpp"
#include "kernels/convolution/activations.hpp"

namespace medlsam::convolution {

// (image, z, y, x, channel), to blocked values with a border of zeros, and back with all done that was still
// to be done.
void from_channels_last(const float* from, const BlockedLayout& layout, float* values, const Task& task);
void to_channels_last(const Activations& activations, float* out, const Task& task);

}  // namespace medlsam::convolution
