// Correlation of a patch's features with template kernels as products of matrices (algorithm.md part 5.3), on
// tensor cores.
//
// For one row of features (z', y') and one slice dz of a kernel, the products of the row's voxels with the
// kernel's columns over the channels are a matrix product: (x') × (dy, dx), as deep as there are channels.
// The part of column dy belongs to the output row y = y' − dy + size/2. A warp keeps the sums of all output
// rows that a row of features reaches, one tile of 8 columns dx for each dy, and goes down the rows: with
// every step one output row is complete, and its sums along dx are shifted and added, out[x] = Σ_dx sums[x +
// dx − size/2, dx]. No multiplication is done for nothing but the zeros beside kernels narrower than 8.
#pragma once

#include "kernels/cuda/collectives.hpp"
#include "kernels/cuda/matrix.hpp"

namespace medlsam::cuda {

// A point's slot among the patches that are searched at once, and its row of the templates.
struct PointPlace {
  std::int32_t slot, row;
};

// kSize: edge of the kernels, 4 or 8. kTiles: edge of the features / 16.
template <int kSize, int kTiles>
struct CorrelateMatrix {
  // Slices of the output in a block; warps that share the channels of one.
  static constexpr int kPlanes = 4, kParts = 2, kThreads = kPlanes * kParts * kWarp;
  static constexpr int kEdge = kTiles * kTileRows, kPositions = kEdge + 1, kHalf = kSize / 2;
  static constexpr int kColumns = kTileColumns;  // of dx, those from kSize on hold zeros
  static constexpr int kKernelRows = kSize * kSize * kColumns;
  static constexpr int kBlocks = (kPositions + kPlanes - 1) / kPlanes;

  // Rows in shared memory are 16 bytes longer than they need, so that eight of them are in different banks.
  static constexpr int pitch_of(int channels) { return channels + 8; }
  static std::size_t shared_bytes(int channels) {
    return (std::size_t{kKernelRows} + 2 * kEdge) * pitch_of(channels) * sizeof(Half) +
           std::size_t{kPlanes} * kParts * kEdge * kColumns * sizeof(float);
  }

  const Half* features;  // (slots, edge³, channels), normalized
  const Half* kernels;   // (rows, dz, dy, 8, channels)
  const PointPlace* points;
  int channels;  // a multiple of 16
  float* out;    // (points, (edge + 1)³)

  struct Sums {
    Products of[kSize][kTiles];
  };

  template <class Block>
  MEDLSAM_KERNEL void operator()(Block& block) const {
    const int pitch = channels + 8, z0 = block.x() * kPlanes;
    const PointPlace point = points[block.y()];
    Half* kernel = block.template shared<Half>();
    Half* rows = kernel + kKernelRows * pitch;  // two rows of features, used in turn
    float* sums = reinterpret_cast<float*>(rows + 2 * kEdge * pitch);
    const Half* patch = features + std::int64_t{1} * point.slot * kEdge * kEdge * kEdge * channels;

    // Slices of features that the block's planes touch: z0 − size/2 + s.
    const int first_slab = kHalf > z0 ? kHalf - z0 : 0;
    const int last_slab = kPlanes + kSize - 1 < kEdge + kHalf - z0 ? kPlanes + kSize - 1 : kEdge + kHalf - z0;
    const int slabs = last_slab - first_slab, stages = slabs * kEdge;
    const auto begin_copy = [&](int stage, int thread) {
      const int z = z0 - kHalf + first_slab + stage % slabs, y = stage / slabs;
      copy_rows(patch + std::int64_t{1} * (z * kEdge + y) * kEdge * channels, kEdge,
                rows + stage % 2 * kEdge * pitch, thread);
    };

    typename Block::template PerWarp<Sums> all(block);
    block.warps_without_barrier([&](int warp) {
      MEDLSAM_UNROLL
      for (int slot = 0; slot < kSize; ++slot) clear_row(all[warp], slot);
    });
    block.each([&](int thread) {
      copy_rows(kernels + std::int64_t{1} * point.row * kKernelRows * channels, kKernelRows, kernel, thread);
      begin_copy(0, thread);
      copies_arrive();
    });

    int stage = 0;
    for (int y0 = 0; y0 < kEdge + kHalf; y0 += kSize) {
      MEDLSAM_UNROLL
      for (int turn = 0; turn < kSize; ++turn) {
        const int y = y0 + turn;  // of the row of features
        for (int slab = first_slab; y < kEdge && slab < last_slab; ++slab, ++stage) {
          block.each_without_barrier([&](int thread) {
            if (stage + 1 < stages) begin_copy(stage + 1, thread);
          });
          block.warps_without_barrier([&](int warp) {
            const int dz = slab - warp / kParts;
            if (dz < 0 || dz >= kSize) return;
            add_row(all[warp], turn, rows + stage % 2 * kEdge * pitch, kernel + dz * kSize * kColumns * pitch,
                    warp % kParts);
          });
          block.each([](int) { copies_arrive(); });
        }
        // The output row that the last dy has reached is complete; its sums' place is for the next one.
        const int complete = y - kSize + 1 + kHalf;
        block.warps([&](int warp) {
          constexpr int kTile = kTileRows * kColumns;
          MEDLSAM_UNROLL
          for (int tile = 0; tile < kTiles; ++tile)
            store(sums + warp * kEdge * kColumns + tile * kTile, all[warp].of[(turn + 1) % kSize][tile]);
          clear_row(all[warp], (turn + 1) % kSize);
        });
        block.each([&](int thread) { write_row(block.y(), z0, complete, sums, thread); });
      }
    }
  }

 private:
  MEDLSAM_KERNEL static void clear_row(Sums& sums, int slot) {
    MEDLSAM_UNROLL
    for (int tile = 0; tile < kTiles; ++tile) clear(sums.of[slot][tile]);
  }

  // `count` rows of all channels, begun by all threads together.
  MEDLSAM_KERNEL void copy_rows(const Half* from, int count, Half* to, int thread) const {
    constexpr int kElements = kCopied / sizeof(Half);
    const int pieces = channels / kElements;
    for (int i = thread; i < count * pieces; i += kThreads) {
      const int row = i / pieces, piece = i % pieces;
      copy_async(to + row * (channels + 8) + piece * kElements,
                 from + std::int64_t{1} * row * channels + piece * kElements);
    }
  }

  // Adds a row of features times a slice of the kernel. The sums of dy are at slot turn − dy.
  MEDLSAM_KERNEL void add_row(Sums& sums, int turn, const Half* row, const Half* slice, int part) const {
    const int pitch = channels + 8;
    for (int k = part * kTileDepth; k < channels; k += kParts * kTileDepth) {
      Rows16 voxels[kTiles];
      MEDLSAM_UNROLL
      for (int tile = 0; tile < kTiles; ++tile) load(voxels[tile], row + tile * kTileRows * pitch + k, pitch);
      MEDLSAM_UNROLL
      for (int dy = 0; dy < kSize; dy += 2) {
        Columns8x2 columns;
        load(columns, slice + dy * kColumns * pitch + k, pitch);
        MEDLSAM_UNROLL
        for (int tile = 0; tile < kTiles; ++tile) {
          add_products(sums.of[(turn - dy + kSize) % kSize][tile], voxels[tile], columns, 0);
          add_products(sums.of[(turn - dy - 1 + kSize) % kSize][tile], voxels[tile], columns, 1);
        }
      }
    }
  }

  MEDLSAM_KERNEL void write_row(int point, int z0, int y, const float* sums, int thread) const {
    if (y < 0 || y >= kPositions) return;
    for (int i = thread; i < kPlanes * kPositions; i += kThreads) {
      const int plane = i / kPositions, x = i % kPositions, z = z0 + plane;
      if (z >= kPositions) continue;
      float total = 0;
      for (int part = 0; part < kParts; ++part) {
        const float* from = sums + (plane * kParts + part) * kEdge * kColumns;
        MEDLSAM_UNROLL
        for (int dx = 0; dx < kSize; ++dx) {
          const int voxel = x + dx - kHalf;
          if (voxel >= 0 && voxel < kEdge) total += from[voxel * kColumns + dx];
        }
      }
      out[((std::int64_t{1} * point * kPositions + z) * kPositions + y) * kPositions + x] = total;
    }
  }
};

}  // namespace medlsam::cuda
