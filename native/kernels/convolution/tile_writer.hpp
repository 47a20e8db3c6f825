// Writes the 4³ outputs of a tile, and what the next steps want to know of them.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/convolution/tile_reader.hpp"
#include "kernels/convolution/tile_transforms.hpp"
#include "kernels/convolution/winograd.hpp"

namespace medlsam::convolution {

template <int kLanes>
class TileWriter {
 public:
  using Vector = registers::Vector<kLanes>;

  TileWriter(const ConvolutionOutput& output, std::int64_t image, std::int64_t block)
      : output_(output), origin_(output.values + output.layout.origin(image, block)) {
    if (output.pooled != nullptr) pooled_ = output.pooled + output.pooled_layout.origin(image, block);
  }

  // products: (6, 6, 6, kLanes)
  MEDLSAM_INLINE void write(const float* products, const TilePlace& tile) {
    Vector outputs[kTileOutputs][kTileOutputs][kTileOutputs];
    transform(products, outputs);
    const Extents& extents = output_.layout.extents;
    const std::int64_t depth = std::min<std::int64_t>(kTileOutputs, extents.z - tile.z);
    const std::int64_t height = std::min<std::int64_t>(kTileOutputs, extents.y - tile.y);
    const std::int64_t width = std::min<std::int64_t>(kTileOutputs, extents.x - tile.x);
    if (depth == kTileOutputs && height == kTileOutputs && width == kTileOutputs) {
      write_some(outputs, tile, kTileOutputs, kTileOutputs, kTileOutputs);
    } else {
      write_some(outputs, tile, depth, height, width);
    }
  }

  // Adds kLanes channels' sums.
  MEDLSAM_INLINE void add_moments(Moments* moments) const {
    for (int i = 0; i < kLanes; ++i) {
      moments[i].sum += sums_[i];
      moments[i].squares += squares_[i];
    }
  }

 private:
  MEDLSAM_INLINE static void transform(const float* products,
                                       Vector (&outputs)[kTileOutputs][kTileOutputs][kTileOutputs]) {
    constexpr int kLine = kTileInputs, kPlane = kLine * kLine;
    Vector z_done[kTileOutputs][kTileInputs][kTileInputs], y_done[kTileOutputs][kTileOutputs][kTileInputs];
    for (int y = 0; y < kLine; ++y) {
      for (int x = 0; x < kLine; ++x) {
        Vector from[kLine], to[kTileOutputs];
        registers::unrolled<kLine>([&](auto z) __attribute__((always_inline)) {
          registers::load<kLanes>(from[z], products + (z * kPlane + y * kLine + x) * kLanes);
        });
        transform_outputs<kLanes>(from, to);
        registers::unrolled<kTileOutputs>([&](auto z)
                                              __attribute__((always_inline)) { z_done[z][y][x] = to[z]; });
      }
    }
    for (int z = 0; z < kTileOutputs; ++z) {
      for (int x = 0; x < kLine; ++x) {
        Vector from[kLine], to[kTileOutputs];
        registers::unrolled<kLine>([&](auto y) __attribute__((always_inline)) { from[y] = z_done[z][y][x]; });
        transform_outputs<kLanes>(from, to);
        registers::unrolled<kTileOutputs>([&](auto y)
                                              __attribute__((always_inline)) { y_done[z][y][x] = to[y]; });
      }
      for (int y = 0; y < kTileOutputs; ++y) transform_outputs<kLanes>(y_done[z][y], outputs[z][y]);
    }
  }

  MEDLSAM_INLINE void write_some(const Vector (&outputs)[kTileOutputs][kTileOutputs][kTileOutputs],
                                 const TilePlace& tile, std::int64_t depth, std::int64_t height,
                                 std::int64_t width) {
    const BlockedLayout& layout = output_.layout;
    float* const first = origin_ + tile.z * layout.plane + tile.y * layout.row + tile.x * kLanes;
    Vector sum = {};
    for (std::int64_t z = 0; z < depth; ++z) {
      for (std::int64_t y = 0; y < height; ++y) {
        float* const line = first + z * layout.plane + y * layout.row;
        for (std::int64_t x = 0; x < width; ++x) {
          registers::store<kLanes>(outputs[z][y][x], line + x * kLanes);
          sum += outputs[z][y][x];
        }
      }
    }
    if (output_.moments != nullptr) sum_moments(outputs, sum, depth, height, width);
    if (pooled_ != nullptr) pool(outputs, tile, depth / 2, height / 2, width / 2);
  }

  // Squares are summed about the tile's own mean, so that single precision is enough for 64 values; the sums
  // of tiles are joined in double.
  MEDLSAM_INLINE void sum_moments(const Vector (&outputs)[kTileOutputs][kTileOutputs][kTileOutputs],
                                  const Vector& sum, std::int64_t depth, std::int64_t height,
                                  std::int64_t width) {
    const auto count = static_cast<float>(depth * height * width);
    const Vector mean = sum * (1 / count);
    Vector squares = {};
    for (std::int64_t z = 0; z < depth; ++z) {
      for (std::int64_t y = 0; y < height; ++y) {
        for (std::int64_t x = 0; x < width; ++x) {
          const Vector d = outputs[z][y][x] - mean;
          squares += d * d;
        }
      }
    }
    // Σx² = Σ(x − m)² + 2mΣx − nm², whatever m.
    for (int i = 0; i < kLanes; ++i) {
      const auto m = static_cast<double>(mean[i]), s = static_cast<double>(sum[i]);
      sums_[i] += s;
      squares_[i] += static_cast<double>(squares[i]) + m * (2 * s - static_cast<double>(count) * m);
    }
  }

  MEDLSAM_INLINE void pool(const Vector (&outputs)[kTileOutputs][kTileOutputs][kTileOutputs],
                           const TilePlace& tile, std::int64_t depth, std::int64_t height,
                           std::int64_t width) {
    const BlockedLayout& layout = output_.pooled_layout;
    float* const first = pooled_ + tile.z / 2 * layout.plane + tile.y / 2 * layout.row + tile.x / 2 * kLanes;
    for (std::int64_t z = 0; z < depth; ++z) {
      for (std::int64_t y = 0; y < height; ++y) {
        for (std::int64_t x = 0; x < width; ++x) {
          Vector greatest = outputs[2 * z][2 * y][2 * x];
          for (int i = 1; i < 8; ++i) {
            const Vector& other = outputs[2 * z + i / 4][2 * y + i / 2 % 2][2 * x + i % 2];
            greatest = greatest > other ? greatest : other;
          }
          registers::store<kLanes>(greatest, first + z * layout.plane + y * layout.row + x * kLanes);
        }
      }
    }
  }

  const ConvolutionOutput& output_;
  float* const origin_;
  float* pooled_ = nullptr;
  double sums_[kLanes] = {}, squares_[kLanes] = {};
};

}  // namespace medlsam::convolution
