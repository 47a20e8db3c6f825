#include "localization/boxes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "localization/grid/grid_map.hpp"

namespace medlsam {
namespace {

constexpr std::int64_t kCutVoxels = static_cast<std::int64_t>(12 / kGridSpacing);

// To the nearest whole number, halves up.
std::int64_t round_half_up(double value) {
  const double below = std::floor(value);
  return static_cast<std::int64_t>(value - below >= 0.5 ? below + 1 : below);
}

// One corner of the points' box, mapped to stored voxels; `side` 0 is the lower one.
Index3 stored_corner(std::span<const Index3> points, std::size_t side, const Grid& grid) {
  std::array<double, 3> corner;
  for (std::size_t a = 0; a < 3; ++a) corner[a] = static_cast<double>(points[3 * side + a][a]);
  const auto stored = to_upright(grid, corner);
  return {round_half_up(stored[0]), round_half_up(stored[1]), round_half_up(stored[2])};
}

}  // namespace

VoxelBox stored_box(std::span<const Index3> points, const Grid& grid) {
  const Index3 low = stored_corner(points, 0, grid), high = stored_corner(points, 1, grid);
  VoxelBox box;
  for (int a = 0; a < 3; ++a) {
    // An axis that runs the other way, or points found in the wrong order, exchange their bounds.
    box.min[a] = std::min(low[a], high[a]);
    box.max[a] = std::max(low[a], high[a]);
    if (grid.conventions == Conventions::kReference) continue;
    const std::int64_t last = grid.stored_shape[a] - 1;
    box.min[a] = std::clamp<std::int64_t>(box.min[a], 0, last);
    box.max[a] = std::clamp<std::int64_t>(box.max[a], 0, last);
  }
  return box;
}

std::vector<VoxelBox> stored_boxes(std::span<const Index3> points, const Grid& grid) {
  const VoxelBox upright = stored_box(points, grid);
  if (!grid.rectification) return {upright};
  std::vector<VoxelBox> boxes;
  for (std::int64_t z = upright.min[0]; z <= upright.max[0]; ++z) {
    const auto corner = [&](const Index3& at) {
      const auto stored = grid.rectification->to_stored(
          {static_cast<double>(z), static_cast<double>(at[1]), static_cast<double>(at[2])});
      Index3 voxel = {z, round_half_up(stored[1]), round_half_up(stored[2])};
      for (int a = 1; a < 3; ++a) {
        voxel[a] = std::clamp<std::int64_t>(voxel[a], 0, grid.rectification->stored_shape[a] - 1);
      }
      return voxel;
    };
    boxes.push_back({corner(upright.min), corner(upright.max)});
  }
  return boxes;
}

VoxelBox around(std::span<const VoxelBox> boxes) {
  VoxelBox all = kNoVoxels;
  for (const VoxelBox& box : boxes) all.include(box);
  return all;
}

std::vector<Index3> keep_cut_walls(std::span<const Index3> searched, std::span<const Index3> placed,
                                   const Index3& grid_shape) {
  std::vector<Index3> points(searched.begin(), searched.end());
  for (std::size_t i = 0; i < points.size(); ++i) {
    const std::size_t axis = i % 3;
    const std::int64_t wall = placed[i][axis], last = grid_shape[axis] - kGridPadding - 1;
    if (wall < kGridPadding + kCutVoxels || wall > last - kCutVoxels) points[i][axis] = wall;
  }
  return points;
}

double margin_in_scan(std::span<const Index3> points, const Index3& grid_shape) {
  Index3 low, high;
  low.fill(std::numeric_limits<std::int64_t>::max());
  high.fill(std::numeric_limits<std::int64_t>::min());
  for (std::size_t i = 0; i < points.size(); ++i) {
    const std::size_t axis = i % 3;
    low[axis] = std::min(low[axis], points[i][axis]);
    high[axis] = std::max(high[axis], points[i][axis]);
  }
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (int a = 0; a < 3; ++a) {
    const std::int64_t last = grid_shape[a] - kGridPadding - 1;
    least = std::min({least, high[a] - kGridPadding, last - low[a]});
  }
  return kGridSpacing * static_cast<double>(least);
}

}  // namespace medlsam
