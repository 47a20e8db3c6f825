#include "localization/grid/grid_map.hpp"

#include <cmath>

#include "volumes/affine.hpp"

namespace medlsam {
namespace {

// Grid steps per LAS voxel step of the resampling, whose first and last samples meet.
double corner_aligned_zoom(const Grid& grid, int axis) {
  const std::int64_t outputs = grid.shape[axis] - 2 * kGridPadding, inputs = grid.las_shape[axis];
  if (outputs <= 1 || inputs <= 1) return grid.zoom[axis];
  return static_cast<double>(outputs - 1) / static_cast<double>(inputs - 1);
}

// A coordinate along LAS axis `axis`, counted from the other end where the stored axis runs the other way:
// its own inverse.
double along_stored_axis(const Grid& grid, int axis, double voxel) {
  return grid.orientation.flipped[axis] ? static_cast<double>(grid.las_shape[axis] - 1) - voxel : voxel;
}

}  // namespace

std::array<double, 3> to_upright(const Grid& grid, const std::array<double, 3>& point) {
  std::array<double, 3> stored;
  for (int a = 0; a < 3; ++a) {
    const double inside = point[a] - static_cast<double>(kGridPadding);
    const double las = grid.conventions == Conventions::kReference ? std::nearbyint(inside / grid.zoom[a])
                                                                   : inside / corner_aligned_zoom(grid, a);
    stored[grid.orientation.stored_axis[a]] = along_stored_axis(grid, a, las);
  }
  return stored;
}

std::array<double, 3> to_stored(const Grid& grid, const std::array<double, 3>& point) {
  const auto voxel = to_upright(grid, point);
  return grid.rectification ? grid.rectification->to_stored(voxel) : voxel;
}

std::array<double, 3> from_physical(const Grid& grid, const std::array<double, 3>& lps) {
  const auto xyz = map_point(inverse(grid.affine), {-lps[0], -lps[1], lps[2]});
  std::array<double, 3> point;
  for (int a = 0; a < 3; ++a) {
    const double las = along_stored_axis(grid, a, xyz[2 - grid.orientation.stored_axis[a]]);
    const double zoom =
        grid.conventions == Conventions::kReference ? grid.zoom[a] : corner_aligned_zoom(grid, a);
    point[a] = las * zoom + static_cast<double>(kGridPadding);
  }
  return point;
}

}  // namespace medlsam
