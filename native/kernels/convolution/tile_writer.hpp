// Writes the outputs of a tile, and what the next steps want to know of them.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/convolution/tile_reader.hpp"
#include "kernels/convolution/tile_transforms.hpp"
#include "kernels/convolution/winograd.hpp"

namespace medlsam::convolution {

template <int kLanes, int kOutputs>
class TileWriter {
 public:
  static constexpr int kInputs = Tile<kOutputs>::kInputs;
  using Vector = registers::Vector<kLanes>;

  TileWriter(const ConvolutionOutput& output, std::int64_t image, std::int64_t block) : output_(output) {
    if (output.values != nullptr) origin_ = output.values + output.layout.origin(image, block);
    if (output.pooled != nullptr) pooled_ = output.pooled + output.pooled_layout.origin(image, block);
  }

  // products: (kInputs, kInputs, kInputs, kLanes)
  MEDLSAM_INLINE void write(const float* products, const TilePlace& tile) {
    Vector outputs[kOutputs][kOutputs][kOutputs];
    fetch(tile);
    transform(products, outputs);
    const Extents& extents = output_.layout.extents;
    const std::int64_t depth = std::min<std::int64_t>(kOutputs, extents.z - tile.z);
    const std::int64_t height = std::min<std::int64_t>(kOutputs, extents.y - tile.y);
    const std::int64_t width = std::min<std::int64_t>(kOutputs, extents.x - tile.x);
    if (depth == kOutputs && height == kOutputs && width == kOutputs) {
      write_some(outputs, tile, kOutputs, kOutputs, kOutputs);
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
  // The lines that will be written are asked for before there is anything to write.
  MEDLSAM_INLINE void fetch(const TilePlace& tile) const {
    if (origin_ == nullptr) return;
    const BlockedLayout& layout = output_.layout;
    const float* const first = origin_ + tile.z * layout.plane + tile.y * layout.row + tile.x * kLanes;
    for (int z = 0; z < kOutputs; ++z) {
      for (int y = 0; y < kOutputs; ++y) {
        const float* const line = first + z * layout.plane + y * layout.row;
        for (int x = 0; x < kOutputs; ++x) __builtin_prefetch(line + x * kLanes, 1);
      }
    }
  }

  MEDLSAM_INLINE static void transform(const float* products,
                                       Vector (&outputs)[kOutputs][kOutputs][kOutputs]) {
    constexpr int kLine = kInputs, kPlane = kLine * kLine;
    Vector z_done[kOutputs][kInputs][kInputs], y_done[kOutputs][kOutputs][kInputs];
    for (int y = 0; y < kLine; ++y) {
      for (int x = 0; x < kLine; ++x) {
        Vector from[kLine], to[kOutputs];
        registers::unrolled<kLine>([&](auto z) __attribute__((always_inline)) {
          registers::load<kLanes>(from[z], products + (z * kPlane + y * kLine + x) * kLanes);
        });
        transform_outputs<kLanes>(from, to);
        registers::unrolled<kOutputs>([&](auto z)
                                          __attribute__((always_inline)) { z_done[z][y][x] = to[z]; });
      }
    }
    for (int z = 0; z < kOutputs; ++z) {
      for (int x = 0; x < kLine; ++x) {
        Vector from[kLine], to[kOutputs];
        registers::unrolled<kLine>([&](auto y) __attribute__((always_inline)) { from[y] = z_done[z][y][x]; });
        transform_outputs<kLanes>(from, to);
        registers::unrolled<kOutputs>([&](auto y)
                                          __attribute__((always_inline)) { y_done[z][y][x] = to[y]; });
      }
      for (int y = 0; y < kOutputs; ++y) transform_outputs<kLanes>(y_done[z][y], outputs[z][y]);
    }
  }

  MEDLSAM_INLINE void write_some(const Vector (&outputs)[kOutputs][kOutputs][kOutputs], const TilePlace& tile,
                                 std::int64_t depth, std::int64_t height, std::int64_t width) {
    if (origin_ != nullptr) store(outputs, tile, depth, height, width);
    if (output_.moments != nullptr) sum_moments(outputs, depth, height, width);
    if (pooled_ != nullptr) pool(outputs, tile, depth / 2, height / 2, width / 2);
  }

  MEDLSAM_INLINE void store(const Vector (&outputs)[kOutputs][kOutputs][kOutputs], const TilePlace& tile,
                            std::int64_t depth, std::int64_t height, std::int64_t width) const {
    const BlockedLayout& layout = output_.layout;
    float* const first = origin_ + tile.z * layout.plane + tile.y * layout.row + tile.x * kLanes;
    for (std::int64_t z = 0; z < depth; ++z) {
      for (std::int64_t y = 0; y < height; ++y) {
        float* const line = first + z * layout.plane + y * layout.row;
        for (std::int64_t x = 0; x < width; ++x)
          registers::store<kLanes>(outputs[z][y][x], line + x * kLanes);
      }
    }
  }

  // Squares are summed about the tile's own mean, so that single precision is enough for so few values; the
  // sums of tiles are joined in double.
  MEDLSAM_INLINE void sum_moments(const Vector (&outputs)[kOutputs][kOutputs][kOutputs], std::int64_t depth,
                                  std::int64_t height, std::int64_t width) {
    Vector sum = {};
    for (std::int64_t z = 0; z < depth; ++z) {
      for (std::int64_t y = 0; y < height; ++y) {
        for (std::int64_t x = 0; x < width; ++x) sum += outputs[z][y][x];
      }
    }
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

  MEDLSAM_INLINE void pool(const Vector (&outputs)[kOutputs][kOutputs][kOutputs], const TilePlace& tile,
                           std::int64_t depth, std::int64_t height, std::int64_t width) {
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
  float* origin_ = nullptr;
  float* pooled_ = nullptr;
  double sums_[kLanes] = {}, squares_[kLanes] = {};
};

}  // namespace medlsam::convolution
