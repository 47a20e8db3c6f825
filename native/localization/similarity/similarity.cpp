#include "localization/similarity/similarity.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/parallel.hpp"
#include "base/simd.hpp"

namespace medlsam {
namespace {

constexpr float kNormFloor = 1e-12F;
constexpr int kLine = 16;  // of the cache, in floats

// A rectangle of each channel, `volume` voxels from channel to channel.
struct Columns {
  const float* features;
  int channels;
  std::size_t volume;
  int stride, rows, columns;
};

// sums += the squares of kAtOnce channels from `row` on, one after another.
template <int kAtOnce>
MEDLSAM_INLINE void add_squares(const Columns& from, const float* row, float* sums) {
  // Memory follows a run of addresses to the end of its page; the next channels begin on others.
  const float* const ahead = row + kAtOnce * from.volume;
  for (int x = 0; x < from.columns; x += kLine) {
    for (int c = 0; c < kAtOnce; ++c) __builtin_prefetch(ahead + c * from.volume + x, 0, 2);
  }
  for (int x = 0; x < from.columns; ++x) {
    float sum = sums[x];
    for (int c = 0; c < kAtOnce; ++c) sum += row[c * from.volume + x] * row[c * from.volume + x];
    sums[x] = sum;
  }
}

// weights = 1 / max(‖features‖, 1e-12) over the channels at every voxel of the rectangle.
MEDLSAM_INLINE void inverse_norms(const Columns& from, float* weights) {
  constexpr int kAtOnce = 4;  // channels for one passage over the sums
  for (int y = 0; y < from.rows; ++y) std::fill_n(weights + y * from.stride, from.columns, 0.F);
  int c = 0;
  for (; c + kAtOnce <= from.channels; c += kAtOnce) {
    for (int y = 0; y < from.rows; ++y)
      add_squares<kAtOnce>(from, from.features + c * from.volume + y * from.stride,
                           weights + y * from.stride);
  }
  for (; c < from.channels; ++c) {
    for (int y = 0; y < from.rows; ++y)
      add_squares<1>(from, from.features + c * from.volume + y * from.stride, weights + y * from.stride);
  }
  for (int y = 0; y < from.rows; ++y) {
    float* row = weights + y * from.stride;
    for (int x = 0; x < from.columns; ++x) {
      const float norm = std::sqrt(row[x]);
      row[x] = 1.F / (norm > kNormFloor ? norm : kNormFloor);
    }
  }
}

// Where along an axis the samples of a resized line come from.
struct Taps {
  std::vector<int> low, high;  // positions, of which the first that is needed is 0
  std::vector<float> weight;   // of high; low has 1 − weight
  int first = 0, count = 0;    // positions that are needed; position 0 is −size/2 of the features
};

// Half-pixel centres, clamped: from edge+1 positions to `patch`, of which [begin, begin + size) are wanted.
Taps make_taps(const SimilarityScale& scale, int patch, int begin, int size) {
  Taps taps;
  for (int i = begin; i < begin + size; ++i) {
    const double at = std::max(0.0, (i + 0.5) * (scale.edge + 1) / patch - 0.5);
    const int low = std::min(static_cast<int>(at), scale.edge), high = std::min(low + 1, scale.edge);
    if (i == begin) taps.first = low;
    taps.low.push_back(low - taps.first);
    taps.high.push_back(high - taps.first);
    taps.weight.push_back(static_cast<float>(at - low));
  }
  taps.count = taps.high.back() + 1;
  return taps;
}

// Adds slice z of the resized correlation, times `factor`, to `out`. `line` holds as many floats as
// positions.
MEDLSAM_INLINE void add_resized_slice(const Correlation& correlation, const std::array<Taps, 3>& taps, int z,
                                      float factor, float* line, float* out) {
  const auto& [along_z, along_y, along_x] = taps;
  const int stride = correlation.stride, plane = correlation.length * stride;
  const int rows = static_cast<int>(along_y.low.size()), columns = static_cast<int>(along_x.low.size());
  const float wz = along_z.weight[z];
  const float* slice_low = correlation.values + along_z.low[z] * plane;
  const float* slice_high = correlation.values + along_z.high[z] * plane;
  const int *low = along_x.low.data(), *high = along_x.high.data();
  const float* weight = along_x.weight.data();
  for (int y = 0; y < rows; ++y) {
    const float wy = along_y.weight[y];
    const int row_low = along_y.low[y] * stride, row_high = along_y.high[y] * stride;
    const float *a = slice_low + row_low, *b = slice_low + row_high;
    const float *c = slice_high + row_low, *d = slice_high + row_high;
    for (int x = 0; x < along_x.count; ++x) {
      line[x] = factor * ((1 - wz) * ((1 - wy) * a[x] + wy * b[x]) + wz * ((1 - wy) * c[x] + wy * d[x]));
    }
    float* row = out + y * columns;
    for (int x = 0; x < columns; ++x) row[x] += (1 - weight[x]) * line[low[x]] + weight[x] * line[high[x]];
  }
}

// Weights of the features that the positions touch; others are left as they are.
void weigh(const SimilarityScale& scale, int channels, const Positions& positions, float* weights,
           const Task& task) {
  std::array<int, 3> first, count;
  for (int a = 0; a < 3; ++a) {
    first[a] = std::clamp(positions.first[a], 0, scale.edge);
    count[a] =
        std::clamp(positions.first[a] + positions.count[a] + scale.size - 1, first[a], scale.edge) - first[a];
  }
  parallel_for(task, count[0], [&](std::size_t z, std::size_t) {
    const std::size_t edge = scale.edge, at = ((first[0] + z) * edge + first[1]) * edge + first[2];
    const Columns from{scale.features + at, channels, edge * edge * edge, scale.edge, count[1], count[2]};
    run_simd<inverse_norms>(from, weights + at);
  });
}

void check_scale(const SimilarityScale& scale, std::size_t maps) {
  const bool fits = scale.edge >= 1 && scale.edge <= kLargestFeatures && scale.size >= 2 &&
                    scale.size <= kLargestKernel && scale.size % 2 == 0;
  if (!fits) {
    throw Error(ErrorCode::kBadArgument,
                "Similarity needs features of edge 1 to 64 and kernels of edge 2, 4, 6 or 8, not " +
                    std::to_string(scale.edge) + " and " + std::to_string(scale.size) + ".");
  }
  if (scale.kernels.empty() || scale.kernels.size() != maps) {
    throw Error(ErrorCode::kBadArgument, "A scale has a kernel for each map, not " +
                                             std::to_string(scale.kernels.size()) + " for " +
                                             std::to_string(maps) + " maps.");
  }
}

}  // namespace

void add_scale(const SimilarityScale& scale, int channels, int patch, const MapBox& box,
               std::span<const std::span<float>> maps, SimilarityScratch& scratch, const Task& task) {
  check_scale(scale, maps.size());
  std::array<Taps, 3> taps;
  Positions positions;
  for (int a = 0; a < 3; ++a) {
    taps[a] = make_taps(scale, patch, box.first[a], box.size[a]);
    positions.first[a] = taps[a].first - scale.size / 2;
    positions.count[a] = taps[a].count;
  }
  float* weights = scratch.weights.at_least(std::size_t{1} * scale.edge * scale.edge * scale.edge);
  weigh(scale, channels, positions, weights, task);
  const CorrelationInput input{scale.features, weights,    scale.kernels, channels,
                               scale.edge,     scale.size, positions};
  const std::vector<Correlation> correlations = correlate(input, scratch.correlation, task);

  const auto factor = static_cast<float>(1 / (std::pow(correlations[0].length, 2) * std::pow(scale.size, 3)));
  const std::size_t depth = box.size[0], plane = std::size_t{1} * box.size[1] * box.size[2];
  parallel_for(task, correlations.size() * depth, [&](std::size_t slice, std::size_t) {
    std::vector<float> line(positions.count[2]);
    run_simd<add_resized_slice>(correlations[slice / depth], taps, static_cast<int>(slice % depth), factor,
                                line.data(), maps[slice / depth].data() + slice % depth * plane);
  });
}

void similarity_maps(std::span<const SimilarityScale> scales, int channels, int patch, std::span<float> maps,
                     SimilarityScratch& scratch, const Task& task) {
  if (channels < 1 || patch < 1 || maps.size() % (std::size_t{1} * patch * patch * patch) != 0) {
    throw Error(ErrorCode::kBadArgument, "A similarity map has patch³ values and at least one channel, not " +
                                             std::to_string(maps.size()) + " values for a patch of " +
                                             std::to_string(patch) + " and " + std::to_string(channels) +
                                             " channels.");
  }
  task.check();
  std::fill(maps.begin(), maps.end(), 1.F);
  const MapBox whole{{0, 0, 0}, {patch, patch, patch}};
  const std::size_t voxels = std::size_t{1} * patch * patch * patch;
  std::vector<std::span<float>> parts;
  for (std::size_t at = 0; at < maps.size(); at += voxels) parts.push_back(maps.subspan(at, voxels));
  for (const SimilarityScale& scale : scales) add_scale(scale, channels, patch, whole, parts, scratch, task);
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
    float weight;
    run_simd<inverse_norms>(Columns{from, channels, volume, edge, 1, 1}, &weight);
    for (int c = 0; c < channels; ++c) kernel[c * block + voxel] += from[c * volume] * weight;
  }
}

}  // namespace medlsam
