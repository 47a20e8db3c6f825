// 3×3×3 convolution with a padding of one, multiplied as it is written: for images of few tiles, where
// reading the weights costs more than multiplying with them, and for patches of a single channel.
#pragma once

#include <cstdint>
#include <span>

#include "base/aligned_memory.hpp"
#include "base/task.hpp"
#include "kernels/convolution/activations.hpp"

namespace medlsam::convolution {

// Weights (out, in, 3, 3, 3), row-major, packed.
class DirectWeights {
 public:
  DirectWeights() = default;
  DirectWeights(const float* weights, std::int64_t out, std::int64_t in);

  std::int64_t out() const { return out_; }
  std::int64_t in() const { return in_; }
  // From a block of output channels on: (27·in, panel's channels), the rows of a weight in the order z, y, x,
  // in.
  const float* panel(std::int64_t first_block) const { return packed_.data() + first_block * step_; }

 private:
  std::int64_t out_ = 0, in_ = 0, step_ = 0;
  AlignedFloats packed_;
};

// One image with its channels last and a border of zeros: (z + 2, y + 2, x + 2, channels).
class PaddedImage {
 public:
  // `memory`: floats() floats, which it does not own.
  PaddedImage(Extents extents, std::int64_t channels, float* memory);
  static std::size_t floats(Extents extents, std::int64_t channels);

  // Row-major (channels, z, y, x).
  void fill(const float* rows, const Task& task);
  void fill(std::span<const Source> sources, std::int64_t image, const Task& task);

  const Extents& extents() const { return extents_; }
  std::int64_t channels() const { return channels_; }
  std::int64_t row() const { return row_; }
  std::int64_t plane() const { return plane_; }
  // The voxel before an output's along all axes: the first that its convolution reads.
  const float* corner(std::int64_t z, std::int64_t y, std::int64_t x) const {
    return values_ + z * plane_ + y * row_ + x * channels_;
  }

 private:
  Extents extents_;
  std::int64_t channels_, row_, plane_;  // steps in floats
  float* values_;
};

// Writes image `index` of the output; its moments too, the pooled values not. Parallel over voxels and
// channels; the same bytes for any number of threads.
void convolve_direct(const PaddedImage& image, const DirectWeights& weights, const ConvolutionOutput& output,
                     std::int64_t index, const Task& task);

}  // namespace medlsam::convolution
