// How a stored volume of any orientation falls apart into the axial slices that SAM sees.
#pragma once

#include <array>
#include <cstdint>

#include "volumes/volume.hpp"

namespace medlsam {

// Slices run along the stored axis nearest to inferior–superior. In a slice, rows run along the stored axis
// nearest to anterior–posterior and columns along the one nearest to right–left, so that a patient is never
// transposed; but every axis keeps the direction in which it is stored. Nothing is flipped, because the
// published code slices the array as the file holds it (and so does the conformance data: stored LPS, slices
// not brought to LAS).
struct SliceLayout {
  std::array<int, 3> axis{};             // of the stored (z, y, x): that of the slices, of rows, of columns
  std::int64_t count = 0;                // slices
  std::int64_t height = 0, width = 0;    // pixels of one
  std::array<std::int64_t, 3> stride{};  // in stored voxels: to the next slice, row, column

  std::int64_t pixels() const { return height * width; }

  // Voxels of the volume along its stored (z, y, x).
  Index3 stored_shape() const {
    Index3 shape;
    shape[axis[0]] = count;
    shape[axis[1]] = height;
    shape[axis[2]] = width;
    return shape;
  }
};

// Throws kBadVolume for a singular affine.
SliceLayout slice_layout(const Affine& affine, const Index3& stored_shape);

}  // namespace medlsam
