// The peaks of similarity maps that are never written: resized correlations, their sum over the scales and
// the search for its maximum in one pass.
#pragma once

#include <limits>

#include "kernels/cuda/collectives.hpp"

namespace medlsam::cuda {

inline constexpr int kMostScales = 3;

// Where the samples of a resized line come from: weight · high + (1 − weight) · low.
struct Tap {
  std::int32_t low, high;
  float weight;
};

// One scale's correlations and how they are resized to the map.
struct CorrelatedScale {
  const float* values = nullptr;  // (points, positions³)
  const Tap* taps = nullptr;      // one for each voxel along a map's axis
  std::int32_t positions = 0;
  float factor = 0;  // 1 / size³
};

// How much less a voxel counts: `fall` times its squared distance from `from`.
struct Nearness {
  std::int32_t from[3];  // (z, y, x)
  float fall;
};

// The best of some voxels of a map.
struct Best {
  float height;        // of map − fall · d²; −∞ where no value is a number
  std::int32_t voxel;  // the first of that height
  float greatest;      // of the map
};

struct HigherOrFirst {
  MEDLSAM_KERNEL Best operator()(const Best& a, const Best& b) const {
    const bool keep = a.height > b.height || (a.height == b.height && a.voxel < b.voxel);
    Best best = keep ? a : b;
    best.greatest = a.greatest > b.greatest ? a.greatest : b.greatest;
    return best;
  }
};

// A row of blocks for each point; a block leaves the best of its voxels.
struct FindPeaks {
  static constexpr int kThreads = 256, kVoxels = 2048;  // of a block
  CorrelatedScale scales[kMostScales];
  int scale_count, patch;
  const Nearness* nearness;
  Best* partials;  // (points, blocks)

  template <class Block>
  MEDLSAM_KERNEL void operator()(Block& block) const {
    typename Block::template PerThread<Best> found(block);
    const Nearness near = nearness[block.y()];
    const int voxels = patch * patch * patch, begin = block.x() * kVoxels;
    const int end = begin + kVoxels < voxels ? begin + kVoxels : voxels;
    block.each([&](int thread) {
      Best best = nothing();
      for (int voxel = begin + thread; voxel < end; voxel += kThreads) {
        const int z = voxel / (patch * patch), y = voxel / patch % patch, x = voxel % patch;
        float value = 1;
        for (int s = 0; s < scale_count; ++s) value += sample(scales[s], block.y(), z, y, x);
        const float row = loss(near, z, 0) + loss(near, y, 1);
        const float height = value - row - loss(near, x, 2);
        if (height > best.height) {
          best.height = height;
          best.voxel = voxel;
        }
        if (value > best.greatest) best.greatest = value;
      }
      found[thread] = best;
    });
    Best* shared = block.template shared<Best>();
    reduce(block, found, shared, HigherOrFirst{});
    block.each_without_barrier([&](int thread) {
      if (thread == 0) partials[block.y() * block.blocks_x() + block.x()] = shared[0];
    });
  }

  // Behind every voxel, so that one of the same height comes before it.
  MEDLSAM_KERNEL static Best nothing() {
    constexpr float kLowest = -std::numeric_limits<float>::infinity();
    return {kLowest, 0x7fffffff, kLowest};
  }

 private:
  MEDLSAM_KERNEL static float loss(const Nearness& near, int voxel, int axis) {
    const auto distance = static_cast<float>(voxel - near.from[axis]);
    return near.fall * (distance * distance);
  }

  MEDLSAM_KERNEL static float sample(const CorrelatedScale& scale, int point, int z, int y, int x) {
    const Tap along_z = scale.taps[z], along_y = scale.taps[y], along_x = scale.taps[x];
    const int n = scale.positions;
    const float* map = scale.values + std::int64_t{1} * point * n * n * n;
    const float wz = along_z.weight, wy = along_y.weight, wx = along_x.weight;
    const auto line = [&](int column) {
      const float* low = map + along_z.low * n * n + column;
      const float* high = map + along_z.high * n * n + column;
      const int row_low = along_y.low * n, row_high = along_y.high * n;
      return scale.factor * ((1 - wz) * ((1 - wy) * low[row_low] + wy * low[row_high]) +
                             wz * ((1 - wy) * high[row_low] + wy * high[row_high]));
    };
    return (1 - wx) * line(along_x.low) + wx * line(along_x.high);
  }
};

// One block for each point: the best of its blocks' bests.
struct FinishPeaks {
  static constexpr int kThreads = 128;
  int count;  // of blocks
  const Best* partials;
  Best* out;

  template <class Block>
  MEDLSAM_KERNEL void operator()(Block& block) const {
    typename Block::template PerThread<Best> found(block);
    block.each([&](int thread) {
      Best best = FindPeaks::nothing();
      for (int i = thread; i < count; i += kThreads)
        best = HigherOrFirst{}(best, partials[block.x() * count + i]);
      found[thread] = best;
    });
    Best* shared = block.template shared<Best>();
    reduce(block, found, shared, HigherOrFirst{});
    block.each_without_barrier([&](int thread) {
      if (thread == 0) out[block.x()] = shared[0];
    });
  }
};

}  // namespace medlsam::cuda
