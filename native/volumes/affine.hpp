// Affine maps between voxels and millimeters: 4×4 row-major, acting on column vectors (x, y, z, 1).
#pragma once

#include <array>

#include "volumes/volume.hpp"

namespace medlsam {

// The first three elements of matrix · (x, y, z, 1).
std::array<double, 3> map_point(const Affine& matrix, const std::array<double, 3>& xyz);

// The inverse of a matrix with the last row (0, 0, 0, 1) and a regular 3×3 part.
Affine inverse(const Affine& matrix);

}  // namespace medlsam
