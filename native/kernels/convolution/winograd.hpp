// 3×3×3 convolution with a padding of one by Winograd's minimal filtering F(4³, 3³): 216 products for the 64
// voxels of a tile instead of 1728, or F(2³, 3³): 64 products for 8 voxels instead of 216 (Lavin and Gray,
// arXiv 1509.09308, in three dimensions). Everything before and after joins in: normalization, ReLU,
// upsampling and concatenation as the inputs are read, the moments for the next normalization and the pooling
// as the outputs are written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned_memory.hpp"
#include "base/task.hpp"
#include "kernels/convolution/activations.hpp"

namespace medlsam::convolution {

// The edge of the tiles that suit images of these extents: 4, or 2 for small ones, or 0 where the convolution
// as it is written (direct.hpp) costs less.
int winograd_tile(std::int64_t images, const Extents& extents);

// Weights (out, in, 3, 3, 3), row-major, transformed for tiles of 4³ or 2³ voxels and packed.
class WinogradWeights {
 public:
  WinogradWeights() = default;
  WinogradWeights(const float* weights, std::int64_t out, std::int64_t in, int tile);
  // The same for weights that change with every step of a training: transformed in single precision, in
  // parallel, into `memory` of floats() floats, aligned to 64 bytes, which has to live as long.
  static WinogradWeights of_a_step(const float* weights, std::int64_t out, std::int64_t in, int tile,
                                   float* memory, const Task& task);
  static std::size_t floats(std::int64_t out, std::int64_t in, int tile);

  int tile() const { return tile_; }
  std::int64_t products() const { return (tile_ + 2) * (tile_ + 2) * (tile_ + 2); }  // of a tile

  std::int64_t out() const { return out_; }
  std::int64_t in() const { return in_; }
  // (product of a tile, panel, in, panel's channels)
  const float* product(std::int64_t index) const {
    return (borrowed_ == nullptr ? packed_.data() : borrowed_) + index * step_;
  }

 private:
  WinogradWeights(int tile, std::int64_t out, std::int64_t in);

  int tile_ = 0;
  std::int64_t out_ = 0, in_ = 0, lanes_ = 0, blocks_ = 0, step_ = 0;
  AlignedFloats packed_;
  const float* borrowed_ = nullptr;
};

// Memory that convolve_winograd() works in, in floats, for a number of threads. It may hold anything.
std::size_t winograd_scratch(const WinogradWeights& weights, const BlockedLayout& output, unsigned threads);

// Parallel over blocks of tiles; the same bytes for any number of threads. All sources have the output's
// extents and images, half the extents (exactly) where they are upsampled. `scratch` is aligned to 64 bytes.
void convolve_winograd(std::span<const Source> sources, const WinogradWeights& weights,
                       const ConvolutionOutput& output, float* scratch, const Task& task);

}  // namespace medlsam::convolution
