// Bringing a stored volume to LAS order and back: axis flips and permutations only (algorithm.md part 1.1).
#pragma once

#include <array>
#include <string>

#include "volumes/volume.hpp"

namespace medlsam {

// How LAS order (x right→left, y posterior→anterior, z inferior→superior) is laid over a stored volume.
struct Orientation {
  std::array<int, 3>
      stored_axis{};              // for LAS axis a of (z, y, x): which stored axis of (z, y, x) runs along it
  std::array<bool, 3> flipped{};  // whether that axis runs the other way

  // LAS extent (z, y, x) of a stored volume.
  Index3 las_shape(const Index3& stored_shape) const;
  // Row-major 4×4: LAS voxel (x, y, z, 1) → stored voxel (x, y, z, 1).
  Affine las_to_stored(const Index3& stored_shape) const;
};

// The nearest axis order of a possibly oblique affine, as nibabel's io_orientation decides: by the rotation
// nearest to the affine's direction cosines, axes taken in turn. Throws kBadVolume for a singular affine.
Orientation las_orientation(const Affine& affine);

// The greatest departure of two of the affine's axes from a right angle: the tilt of a CT gantry.
double shear_degrees(const Affine& affine);

// Where the stored x, y and z axes point, as three of the letters RLAPSI: "LPS".
std::string axis_codes(const Affine& affine);

}  // namespace medlsam
