// Where points of a padded grid lie in its stored volume and in the patient (algorithm.md part 5.4).
#pragma once

#include <array>

#include "localization/grid/grid.hpp"

namespace medlsam {

// A padded grid point → voxel of what the grid was made from, the stored volume or its rectified copy, (z, y,
// x) both. Whole numbers for a grid of reference conventions (Q4).
std::array<double, 3> to_upright(const Grid& grid, const std::array<double, 3>& point);

// The same → stored voxel, whether the volume was rectified or not.
std::array<double, 3> to_stored(const Grid& grid, const std::array<double, 3>& point);

// LPS mm (x, y, z) → padded grid point (z, y, x), not rounded.
std::array<double, 3> from_physical(const Grid& grid, const std::array<double, 3>& lps);

}  // namespace medlsam
