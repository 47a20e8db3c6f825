// The gradient of a 3×3×3 convolution's weights, by Winograd's filtering turned around: the products of a
// tile's inputs and of its outputs' gradients, summed over all tiles, are the gradients of the transformed
// weights. 216 products for the 64 voxels of a tile instead of 1728, as in the convolution itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/task.hpp"
#include "kernels/convolution/activations.hpp"

namespace medlsam::convolution {

// Memory that weight_gradient() works in, in floats, for a number of threads. `in`: channels of all sources.
std::size_t weight_gradient_scratch(std::int64_t in, const BlockedLayout& output, unsigned threads);

// Row-major weights' gradients (out, in, 3, 3, 3) of a convolution whose outputs have the gradients
// `gradient`, with a border of zeros. Sources as in convolve_winograd(). Parallel over ranges of tiles, which
// follow from the shapes and are summed in their order: the same bytes for any number of threads. `scratch`
// is aligned to 64 bytes.
void weight_gradient(std::span<const Source> sources, const BlockedLayout& output, const float* gradient,
                     float* weights, float* scratch, const Task& task);

// The same for a single input channel, row-major (images, z, y, x), as the convolution is written.
void weight_gradient_of_one_channel(const float* rows, const BlockedLayout& output, const float* gradient,
                                    float* weights, const Task& task);

}  // namespace medlsam::convolution
