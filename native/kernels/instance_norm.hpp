// Instance normalization and ReLU in one pass: y = max(0, (x − mean) / √(variance + epsilon)), the mean and
// variance of each channel of each patch, in either memory layout.
//
// The layouts are two kernels because their sums are: where a channel's values follow one another they are
// added up in long runs, where channels alternate in one short run for each of them. Results differ in the
// last bits.
#pragma once

#include <cstdint>

namespace medlsam {

// Channels first: one channel of one patch, `count` values. `out` may be `x`.
void instance_norm_relu(const float* x, float* out, std::int64_t count, float epsilon);

// Channels last: a block of a patch, (voxels, channels). Sums are float32 within a block, so that a block
// should hold no more than some thousand voxels; the caller adds up those of a patch's blocks.
namespace channels_last {

// Σ(x − shift) and Σ(x − shift)² of each channel.
void sum_moments(const float* x, const float* shift, std::int64_t voxels, std::int64_t channels, float* sum,
                 float* squares);

// y = max(0, (x − mean)·scale)
void normalize(const float* x, const float* mean, const float* scale, std::int64_t voxels,
               std::int64_t channels, float* y);

// With h = (x − mean)·scale and g the gradient where h > 0, else 0: Σg and Σg·h of each channel.
void sum_gradients(const float* x, const float* gradient, const float* mean, const float* scale,
                   std::int64_t voxels, std::int64_t channels, float* sum, float* products);

// The gradient of x: scale·(g − mean_g − h·mean_gh), where the latter are the means of g and g·h over the
// patch.
void backpropagate(const float* x, const float* gradient, const float* mean, const float* scale,
                   const float* mean_g, const float* mean_gh, std::int64_t voxels, std::int64_t channels,
                   float* out);

}  // namespace channels_last
}  // namespace medlsam
