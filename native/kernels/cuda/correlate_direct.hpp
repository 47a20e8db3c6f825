// Correlation of a patch's features with template kernels in float32, one multiplication after another
// (algorithm.md part 5.3): for features in float32, and for GPUs and shapes without correlate_matrix.hpp.
#pragma once

#include "kernels/cuda/collectives.hpp"
#include "kernels/cuda/correlate_matrix.hpp"

namespace medlsam::cuda {

struct alignas(16) Float4 {
  float values[4];
};

// kSize: edge of the kernels, even and at most 8. A thread computes four positions along x; a block some rows
// of a slice, from some channels at a time in shared memory.
template <int kSize>
struct CorrelateDirect {
  static constexpr int kThreads = 256, kAcross = 4, kChannels = 4;
  static constexpr int kWindow = (kSize + kAcross - 1 + 3) / 4 * 4;  // voxels that four positions read
  static constexpr int kKernelPitch = (kSize + 3) / 4 * 4;

  // The tile of features of a block, and its positions.
  struct Tiling {
    int positions, groups, rows, strips, width, tile_rows;
    MEDLSAM_HD explicit Tiling(int edge)
        : positions(edge + 1),
          groups((positions + kAcross - 1) / kAcross),
          rows(kThreads / groups < positions ? kThreads / groups : positions),
          strips((positions + rows - 1) / rows),
          width((groups - 1) * kAcross + kWindow),
          tile_rows(rows + kSize - 1) {}
    std::size_t shared_bytes() const {
      return std::size_t{kChannels} * (tile_rows * width + kSize * kKernelPitch) * sizeof(float);
    }
  };

  const float* features;  // (slots, channels, edge³), normalized
  const float* kernels;   // (rows, channels, size³)
  const PointPlace* points;
  int channels, edge;
  float* out;  // (points, (edge + 1)³)

  struct Sums {
    float of[kAcross];
  };

  template <class Block>
  MEDLSAM_KERNEL void operator()(Block& block) const {
    const Tiling tiling(edge);
    const PointPlace point = points[block.z()];
    const int z = block.y(), y0 = block.x() * tiling.rows;
    float* tile = block.template shared<float>();  // (kChannels, tile_rows, width)
    float* kernel = tile + kChannels * tiling.tile_rows * tiling.width;

    typename Block::template PerThread<Sums> all(block);
    block.each_without_barrier([&](int thread) { all[thread] = {}; });
    for (int dz = 0; dz < kSize; ++dz) {
      const int slice = z + dz - kSize / 2;
      if (slice < 0 || slice >= edge) continue;
      for (int first = 0; first < channels; first += kChannels) {
        block.each([&](int thread) {
          load_tile(tile, tiling, point.slot, first, slice, y0, thread);
          load_kernel(kernel, point.row, first, dz, thread);
        });
        block.each([&](int thread) {
          const int row = thread / tiling.groups, group = thread % tiling.groups;
          if (row < tiling.rows) add(all[thread], tile, kernel, tiling, row, group * kAcross);
        });
      }
    }
    block.each_without_barrier([&](int thread) {
      const int row = thread / tiling.groups, y = y0 + row;
      if (row >= tiling.rows || y >= tiling.positions) return;
      const int n = tiling.positions;
      float* to = out + ((std::int64_t{1} * block.z() * n + z) * n + y) * n;
      for (int i = 0; i < kAcross; ++i) {
        const int x = thread % tiling.groups * kAcross + i;
        if (x < n) to[x] = all[thread].of[i];
      }
    });
  }

 private:
  // A warp takes a row; voxels and channels that are not there are 0.
  MEDLSAM_KERNEL void load_tile(float* tile, const Tiling& tiling, int slot, int first, int slice, int y0,
                                int thread) const {
    const std::int64_t plane = std::int64_t{1} * edge * edge;
    for (int line = thread / kWarp; line < kChannels * tiling.tile_rows; line += kThreads / kWarp) {
      const int c = first + line / tiling.tile_rows, y = y0 + line % tiling.tile_rows - kSize / 2;
      const bool there = c < channels && y >= 0 && y < edge;
      const float* from =
          features + ((std::int64_t{1} * slot * channels + c) * edge + slice) * plane + y * edge;
      for (int column = thread % kWarp; column < tiling.width; column += kWarp) {
        const int x = column - kSize / 2;
        tile[line * tiling.width + column] = there && x >= 0 && x < edge ? from[x] : 0.0f;
      }
    }
  }

  MEDLSAM_KERNEL void load_kernel(float* kernel, int row, int first, int dz, int thread) const {
    constexpr int kPlane = kSize * kSize;
    for (int i = thread; i < kChannels * kSize * kKernelPitch; i += kThreads) {
      const int dx = i % kKernelPitch, dy = i / kKernelPitch % kSize, c = first + i / kKernelPitch / kSize;
      const bool there = dx < kSize && c < channels;
      const std::int64_t at =
          ((std::int64_t{1} * row * channels + c) * kSize + dz) * kPlane + dy * kSize + dx;
      kernel[i] = there ? kernels[at] : 0.0f;
    }
  }

  MEDLSAM_KERNEL void add(Sums& sums, const float* tile, const float* kernel, const Tiling& tiling, int row,
                          int x) const {
    for (int c = 0; c < kChannels; ++c) {
      MEDLSAM_UNROLL
      for (int dy = 0; dy < kSize; ++dy) {
        float window[kWindow], weights[kKernelPitch];
        read(window, tile + (c * tiling.tile_rows + row + dy) * tiling.width + x);
        read(weights, kernel + (c * kSize + dy) * kKernelPitch);
        MEDLSAM_UNROLL
        for (int dx = 0; dx < kSize; ++dx) {
          MEDLSAM_UNROLL
          for (int i = 0; i < kAcross; ++i)
            sums.of[i] = multiply_add(window[i + dx], weights[dx], sums.of[i]);
        }
      }
    }
  }

  // Four at a time; `from` is a multiple of 16 bytes.
  template <int kCount>
  MEDLSAM_KERNEL static void read(float (&to)[kCount], const float* from) {
    MEDLSAM_UNROLL
    for (int i = 0; i < kCount; i += 4) {
      const Float4 part = *reinterpret_cast<const Float4*>(from + i);
      MEDLSAM_UNROLL
      for (int j = 0; j < 4; ++j) to[i + j] = part.values[j];
    }
  }
};

}  // namespace medlsam::cuda
