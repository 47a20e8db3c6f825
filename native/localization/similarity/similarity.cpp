#include "localization/similarity/similarity.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/parallel.hpp"
#include "base/simd.hpp"

namespace medlsam {
namespace {

constexpr float kNormFloor = 1e-12F;
constexpr std::size_t kChunk = 4096;  // voxels normalized at once: their sums stay in the first-level cache

// weights[v] = 1 / max(‖features[·, v]‖, 1e-12) for `count` voxels of volumes of `volume` voxels.
MEDLSAM_INLINE void inverse_norms(const float* features, int channels, std::size_t volume, std::size_t count,
                                  float* weights) {
  std::fill_n(weights, count, 0.F);
  for (int c = 0; c < channels; ++c) {
    const float* channel = features + c * volume;
    for (std::size_t v = 0; v < count; ++v) weights[v] += channel[v] * channel[v];
  }
  for (std::size_t v = 0; v < count; ++v) {
    const float norm = std::sqrt(weights[v]);
    weights[v] = 1.F / (norm > kNormFloor ? norm : kNormFloor);
  }
}

// Where along an axis the samples of a resized line come from.
struct Taps {
  std::vector<int> low, high;  // indices modulo the correlation's length
  std::vector<float> weight;   // of high; low has 1 − weight
};

// Half-pixel centres, clamped: from edge+1 positions, of which the first is index −size/2, to `patch`.
Taps make_taps(const SimilarityScale& scale, int patch, int length) {
  Taps taps;
  for (int i = 0; i < patch; ++i) {
    const double at = std::max(0.0, (i + 0.5) * (scale.edge + 1) / patch - 0.5);
    const int low = std::min(static_cast<int>(at), scale.edge), high = std::min(low + 1, scale.edge);
    taps.low.push_back((low - scale.size / 2 + length) % length);
    taps.high.push_back((high - scale.size / 2 + length) % length);
    taps.weight.push_back(static_cast<float>(at - low));
  }
  return taps;
}

// Adds slice z of the resized correlation, times `factor`, to `out`. `line` holds correlation.length floats.
MEDLSAM_INLINE void add_resized_slice(const Correlation& correlation, const Taps& taps, int z, float factor,
                                      float* line, float* out) {
  const int length = correlation.length, patch = static_cast<int>(taps.low.size());
  const float wz = taps.weight[z];
  const float* slice_low = correlation.values + taps.low[z] * length * length;
  const float* slice_high = correlation.values + taps.high[z] * length * length;
  const int *low = taps.low.data(), *high = taps.high.data();
  const float* weight = taps.weight.data();
  for (int y = 0; y < patch; ++y) {
    const float wy = taps.weight[y];
    const float *a = slice_low + low[y] * length, *b = slice_low + high[y] * length;
    const float *c = slice_high + low[y] * length, *d = slice_high + high[y] * length;
    for (int x = 0; x < length; ++x) {
      line[x] = factor * ((1 - wz) * ((1 - wy) * a[x] + wy * b[x]) + wz * ((1 - wy) * c[x] + wy * d[x]));
    }
    float* row = out + y * patch;
    for (int x = 0; x < patch; ++x) row[x] += (1 - weight[x]) * line[low[x]] + weight[x] * line[high[x]];
  }
}

void add_scale(const SimilarityScale& scale, int channels, int patch, std::span<float> map,
               SimilarityScratch& scratch, const Task& task) {
  const std::size_t volume = std::size_t{1} * scale.edge * scale.edge * scale.edge;
  float* weights = scratch.weights.reserve(volume);
  parallel_for(task, (volume + kChunk - 1) / kChunk, [&](std::size_t chunk, std::size_t) {
    const std::size_t begin = chunk * kChunk;
    run_simd<inverse_norms>(scale.features + begin, channels, volume, std::min(kChunk, volume - begin),
                            weights + begin);
  });

  const CorrelationInput input{scale.features, weights, scale.kernel, channels, scale.edge, scale.size};
  const Correlation correlation = correlate(input, scratch.correlation, task);
  const Taps taps = make_taps(scale, patch, correlation.length);
  const float factor = static_cast<float>(1 / (std::pow(correlation.length, 3) * std::pow(scale.size, 3)));
  parallel_for(task, patch, [&](std::size_t z, std::size_t) {
    std::vector<float> line(correlation.length);
    run_simd<add_resized_slice>(correlation, taps, static_cast<int>(z), factor, line.data(),
                                map.data() + z * patch * patch);
  });
}

void check_arguments(std::span<const SimilarityScale> scales, int channels, int patch, std::size_t map_size) {
  if (channels < 1 || patch < 1 || map_size != std::size_t{1} * patch * patch * patch) {
    throw Error(ErrorCode::kBadArgument, "A similarity map has patch³ values and at least one channel, not " +
                                             std::to_string(map_size) + " values for a patch of " +
                                             std::to_string(patch) + " and " + std::to_string(channels) +
                                             " channels.");
  }
  for (const SimilarityScale& scale : scales) {
    const bool fits = scale.edge >= 1 && scale.edge <= kLargestFeatures && scale.size >= 2 &&
                      scale.size <= kLargestKernel && scale.size % 2 == 0;
    if (!fits) {
      throw Error(ErrorCode::kBadArgument,
                  "Similarity needs features of edge 1 to 64 and kernels of edge 2, 4, 6 or 8, not " +
                      std::to_string(scale.edge) + " and " + std::to_string(scale.size) + ".");
    }
  }
}

}  // namespace

void similarity_map(std::span<const SimilarityScale> scales, int channels, int patch, std::span<float> map,
                    SimilarityScratch& scratch, const Task& task) {
  check_arguments(scales, channels, patch, map.size());
  task.check();
  std::fill(map.begin(), map.end(), 1.F);
  for (const SimilarityScale& scale : scales) add_scale(scale, channels, patch, map, scratch, task);
}

SimilarityPeak find_peak(std::span<const float> map, int patch) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < map.size(); ++i) {
    if (map[i] > map[best]) best = i;
  }
  const int at = static_cast<int>(best);
  return {{at / (patch * patch), at / patch % patch, at % patch}, map[best]};
}

std::array<int, 3> find_near(std::span<const float> map, int patch, const std::array<int, 3>& from,
                             float fall) {
  const auto loss = [&](int voxel, int axis) {
    const auto distance = static_cast<float>(voxel - from[axis]);
    return fall * distance * distance;
  };
  std::array<int, 3> best{};
  float highest = -std::numeric_limits<float>::infinity();
  const float* value = map.data();
  for (int z = 0; z < patch; ++z) {
    for (int y = 0; y < patch; ++y) {
      const float row = loss(z, 0) + loss(y, 1);
      for (int x = 0; x < patch; ++x, ++value) {
        const float height = *value - row - loss(x, 2);
        if (height > highest) {
          highest = height;
          best = {z, y, x};
        }
      }
    }
  }
  return best;
}

void add_template_kernel(const float* features, int channels, int edge, int size, std::span<float> kernel) {
  const std::size_t volume = std::size_t{1} * edge * edge * edge, block = std::size_t{1} * size * size * size;
  if (size < 1 || size > edge || kernel.size() != block * channels) {
    throw Error(ErrorCode::kBadArgument, "A template kernel of edge " + std::to_string(size) +
                                             " does not fit features of edge " + std::to_string(edge) +
                                             " or its memory.");
  }
  const int first = edge / 2 - size / 2;
  for (std::size_t voxel = 0; voxel < block; ++voxel) {
    const int v = static_cast<int>(voxel), z = v / (size * size), y = v / size % size, x = v % size;
    const float* from = features + (std::size_t{1} * (first + z) * edge + first + y) * edge + first + x;
    float weight = 0;
    run_simd<inverse_norms>(from, channels, volume, 1, &weight);
    for (int c = 0; c < channels; ++c) kernel[c * block + voxel] += from[c * volume] * weight;
  }
}

}  // namespace medlsam
