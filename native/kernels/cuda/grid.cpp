#include "kernels/cuda/grid.hpp"

#include <algorithm>
#include <limits>

#include "kernels/cuda/collectives.hpp"
#include "kernels/cuda/launch.hpp"

namespace medlsam::cuda {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Widen {
  MEDLSAM_KERNEL Range operator()(const Range& a, const Range& b) const {
    return {a.min < b.min ? a.min : b.min, a.max > b.max ? a.max : b.max, a.finite & b.finite};
  }
};

// The range of every block's share of the values.
template <class T>
struct RangeOf {
  static constexpr int kThreads = 256;
  const T* values;
  std::int64_t count;
  Range* partials;  // one for each block

  template <class Block>
  MEDLSAM_KERNEL void operator()(Block& block) const {
    typename Block::template PerThread<Range> ranges(block);
    block.each([&](int thread) {
      Range range{kInfinity, -kInfinity, 1};
      const std::int64_t step = std::int64_t{1} * block.blocks_x() * kThreads;
      for (std::int64_t i = std::int64_t{1} * block.x() * kThreads + thread; i < count; i += step) {
        const float value = to_float(values[i]);
        range.min = value < range.min ? value : range.min;
        range.max = value > range.max ? value : range.max;
        range.finite &= value - value == 0 ? 1 : 0;
      }
      ranges[thread] = range;
    });
    Range* shared = block.template shared<Range>();
    reduce(block, ranges, shared, Widen{});
    block.each([&](int thread) {
      if (thread == 0) partials[block.x()] = shared[0];
    });
  }
};

MEDLSAM_HD float mapped(const ValueMap& map, float from) {
  if (map.knots == 0) return from;
  const double at = from;
  if (!(at > map.place[0])) return static_cast<float>(map.value[0]);
  for (int k = 1; k < map.knots; ++k) {
    const double x0 = map.place[k - 1], y0 = map.value[k - 1];
    if (at <= map.place[k])
      return static_cast<float>(y0 + (map.value[k] - y0) / (map.place[k] - x0) * (at - x0));
  }
  return static_cast<float>(map.value[map.knots - 1]);
}

// A block for each row of the padded grid.
struct FillGrid {
  static constexpr int kThreads = 128;
  const float* resampled;
  GridPlacement placement;
  ValueMap map;
  float* grid;

  template <class Block>
  MEDLSAM_KERNEL void operator()(Block& block) const {
    const Extents& shape = placement.shape;
    const std::int64_t padding = placement.padding;
    const std::int64_t z = block.x() / shape.y - padding, y = block.x() % shape.y - padding;
    const bool row_inside = z >= 0 && z < shape.z - 2 * padding && y >= 0 && y < shape.y - 2 * padding;
    const std::int64_t from = placement.origin + z * placement.step_z + y * placement.step_y;
    block.each_without_barrier([&](int thread) {
      for (std::int64_t column = thread; column < shape.x; column += kThreads) {
        const std::int64_t x = column - padding;
        const bool inside = row_inside && x >= 0 && x < shape.x - 2 * padding;
        grid[block.x() * shape.x + column] =
            inside ? mapped(map, resampled[from + x * placement.step_x]) : 0.0f;
      }
    });
  }
};

// A row of blocks for each patch.
template <class T>
struct GatherPatches {
  static constexpr int kThreads = 256;
  const float* grid;
  Extents shape;
  const std::int64_t* centers;
  std::int64_t edge;
  T* out;

  template <class Block>
  MEDLSAM_KERNEL void operator()(Block& block) const {
    const std::int64_t voxels = edge * edge * edge, patch = block.y();
    const std::int64_t* center = centers + 3 * patch;
    block.each_without_barrier([&](int thread) {
      const std::int64_t i = std::int64_t{1} * block.x() * kThreads + thread;
      if (i >= voxels) return;
      const auto voxel = static_cast<std::int32_t>(i), side = static_cast<std::int32_t>(edge);
      const std::int64_t z = center[0] - edge / 2 + voxel / (side * side);
      const std::int64_t y = center[1] - edge / 2 + voxel / side % side;
      const std::int64_t x = center[2] - edge / 2 + voxel % side;
      const bool inside = z >= 0 && z < shape.z && y >= 0 && y < shape.y && x >= 0 && x < shape.x;
      out[patch * voxels + i] = from_float<T>(inside ? grid[(z * shape.y + y) * shape.x + x] : 0.0f);
    });
  }
};

}  // namespace

Range value_range(Stream stream, const void* values, Element type, std::int64_t count,
                  DeviceArray<Range>& partials) {
  constexpr std::int64_t kMostBlocks = 1024, kEach = 4096;
  const std::int64_t blocks = std::clamp(blocks_for(count, kEach), std::int64_t{1}, kMostBlocks);
  Range* found = partials.at_least(blocks);
  with_stored(type, [&]<class T>(T) {
    const RangeOf<T> body{static_cast<const T*>(values), count, found};
    launch(stream, {blocks, 1, 1, body.kThreads * sizeof(Range)}, body);
  });
  Range range{kInfinity, -kInfinity, 1};
  for (const Range& part : download(found, blocks, stream)) {
    range.min = std::min(range.min, part.min);
    range.max = std::max(range.max, part.max);
    range.finite &= part.finite;
  }
  return range;
}

void fill_grid(Stream stream, const float* resampled, const GridPlacement& placement, const ValueMap& map,
               float* grid) {
  launch(stream, {placement.shape.z * placement.shape.y, 1, 1, 0}, FillGrid{resampled, placement, map, grid});
}

void gather_patches(Stream stream, const float* grid, const Extents& shape, const std::int64_t* centers,
                    std::int64_t count, std::int64_t edge, Element type, void* out) {
  with_floating(type, [&]<class T>(T) {
    const GatherPatches<T> body{grid, shape, centers, edge, static_cast<T*>(out)};
    launch(stream, {blocks_for(edge * edge * edge, body.kThreads), count, 1, 0}, body);
  });
}

}  // namespace medlsam::cuda
