// Features divided by their norm over the channels at every voxel, ready to be correlated.
#pragma once

#include <cmath>

#include "kernels/cuda/block.hpp"
#include "kernels/cuda/elements.hpp"

namespace medlsam::cuda {

// Features in device memory: element (patch, channel, voxel) at patch · patch_step + channel · channel_step +
// voxel · voxel_step; voxels (z, y, x), edge³ of them.
struct FeatureMap {
  const void* data = nullptr;
  Element type = Element::kFloat32;
  int edge = 0;
  std::int64_t patch_step = 0, channel_step = 0, voxel_step = 0;
};

// The factor of a voxel whose channels' squares add up to `squares`.
MEDLSAM_KERNEL float inverse_norm(float squares) {
  constexpr float kNormFloor = 1e-12F;
  const float norm = std::sqrt(squares);
  return 1.F / (norm > kNormFloor ? norm : kNormFloor);
}

// out[slot, channel, voxel] = the normalized features of patch patches[slot]. One thread a voxel.
template <class T>
struct NormalizedPlanes {
  static constexpr int kThreads = 128;
  FeatureMap features;
  int channels;
  const std::int32_t* patches;
  float* out;

  template <class Block>
  MEDLSAM_KERNEL void operator()(Block& block) const {
    const std::int64_t voxels = std::int64_t{1} * features.edge * features.edge * features.edge;
    const T* patch = static_cast<const T*>(features.data) + patches[block.y()] * features.patch_step;
    block.each_without_barrier([&](int thread) {
      const std::int64_t voxel = std::int64_t{1} * block.x() * kThreads + thread;
      if (voxel >= voxels) return;
      const T* from = patch + voxel * features.voxel_step;
      float* to = out + block.y() * channels * voxels + voxel;
      float squares = 0;
      for (int c = 0; c < channels; ++c) {
        const float value = to_float(from[c * features.channel_step]);
        squares += value * value;
      }
      const float weight = inverse_norm(squares);
      for (int c = 0; c < channels; ++c) to[c * voxels] = to_float(from[c * features.channel_step]) * weight;
    });
  }
};

// out[slot, voxel, channel] = float16 of the normalized features of patch patches[slot]: channels last, as
// matrix products take them, whatever the order in which the network left them. A block turns around some
// voxels with all their channels in shared memory.
template <class T>
struct NormalizedRows {
  static constexpr int kThreads = 256, kVoxels = 32, kPitch = kVoxels + 1;
  static std::size_t shared_bytes(int channels) {
    return (std::size_t{1} * channels * kPitch + kVoxels) * sizeof(float);
  }
  FeatureMap features;
  int channels;
  const std::int32_t* patches;
  Half* out;

  template <class Block>
  MEDLSAM_KERNEL void operator()(Block& block) const {
    const std::int64_t voxels = std::int64_t{1} * features.edge * features.edge * features.edge;
    const std::int64_t first = std::int64_t{1} * block.x() * kVoxels;
    const T* patch = static_cast<const T*>(features.data) + patches[block.y()] * features.patch_step;
    float* tile = block.template shared<float>();  // (channels, kPitch)
    float* weights = tile + channels * kPitch;
    const int elements = channels * kVoxels;
    // Neighboring threads read neighboring elements in both orders of the features.
    const bool channels_last = features.channel_step == 1;
    block.each([&](int thread) {
      for (int i = thread; i < elements; i += kThreads) {
        const int c = channels_last ? i % channels : i / kVoxels,
                  v = channels_last ? i / channels : i % kVoxels;
        const std::int64_t voxel = first + v;
        const T value = patch[c * features.channel_step + voxel * features.voxel_step];
        tile[c * kPitch + v] = to_float(value);
      }
    });
    block.each([&](int thread) {
      if (thread >= kVoxels) return;
      float squares = 0;
      for (int c = 0; c < channels; ++c) {
        const float value = tile[c * kPitch + thread];
        squares += value * value;
      }
      weights[thread] = inverse_norm(squares);
    });
    Half* rows = out + (block.y() * voxels + first) * channels;
    block.each([&](int thread) {
      for (int i = thread; i < elements; i += kThreads) {
        const int c = i % channels, v = i / channels;
        rows[i] = from_float<Half>(tile[c * kPitch + v] * weights[v]);
      }
    });
  }
};

// Template kernels of supports: of each patch the central size³ block, normalized, as float32 (patches,
// channels, size³).
template <class T>
struct SupportKernels {
  static constexpr int kThreads = 64;
  FeatureMap features;
  int channels, size;
  float* kernels;

  template <class Block>
  MEDLSAM_KERNEL void operator()(Block& block) const {
    const int block_voxels = size * size * size, first = features.edge / 2 - size / 2;
    const T* patch = static_cast<const T*>(features.data) + block.y() * features.patch_step;
    block.each_without_barrier([&](int thread) {
      const int v = block.x() * kThreads + thread;
      if (v >= block_voxels) return;
      const std::int64_t z = first + v / (size * size), y = first + v / size % size, x = first + v % size;
      const T* from = patch + ((z * features.edge + y) * features.edge + x) * features.voxel_step;
      float squares = 0;
      for (int c = 0; c < channels; ++c) {
        const float value = to_float(from[c * features.channel_step]);
        squares += value * value;
      }
      const float weight = inverse_norm(squares);
      float* kernel = kernels + std::int64_t{1} * block.y() * channels * block_voxels;
      for (int c = 0; c < channels; ++c)
        kernel[c * block_voxels + v] = to_float(from[c * features.channel_step]) * weight;
    });
  }
};

}  // namespace medlsam::cuda
