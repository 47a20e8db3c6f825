// Convolutions of any kernel and padding as products of matrices: rows are the output channels' weights,
// columns the places of the result, and what each place sees is copied below it for a few places at a time,
// never for all.
#pragma once

#include <array>
#include <cstdint>

#include "base/aligned_memory.hpp"
#include "base/task.hpp"

namespace medlsam {

using Extents = std::array<std::int64_t, 3>;  // along z, y, x; two axes are three of which the first is 1

// Extents of a convolution's result: image + 2·padding − kernel + 1 along each axis.
Extents convolved_extents(const Extents& image, const Extents& kernel, const Extents& padding);

// The weights of one convolution, packed once; about as large as they were.
class ConvolutionWeights {
 public:
  // weight: (out, channels, kernel z, y, x), dense. It is not needed any more afterwards. Throws kBadArgument
  // where an extent is not positive.
  ConvolutionWeights(const float* weight, std::int64_t out, std::int64_t channels, const Extents& kernel);

  std::int64_t out() const { return out_; }
  std::int64_t channels() const { return channels_; }
  const Extents& kernel() const { return kernel_; }
  std::int64_t depth() const { return channels_ * kernel_[0] * kernel_[1] * kernel_[2]; }
  // For the kernel: packed rows (gemm_block.hpp).
  const float* rows() const { return rows_.data(); }

 private:
  std::int64_t out_, channels_;
  Extents kernel_;
  AlignedFloats rows_;
};

// Cross-correlation, `padding` zeros at both ends of each axis: image (batch, channels, z, y, x), bias (out)
// or null → out (batch, out, convolved_extents…), all dense float32. On up to task.threads threads; sums are
// taken channel after channel and tap after tap, so the bytes are the same for any number of them. NaN and
// infinity reach what sees them. Padding that makes the result empty gives none; kernels may be larger than
// the image where padding makes up for it.
void convolve(const Task& task, std::int64_t batch, const float* image, const Extents& extents,
              const ConvolutionWeights& weights, const Extents& padding, const float* bias, float* out);

}  // namespace medlsam
