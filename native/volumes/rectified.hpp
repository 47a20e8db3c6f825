// Volumes of a tilted gantry: the way from slice to slice is not the slices' normal, so the affine is
// sheared.
#pragma once

#include <optional>

#include "base/task.hpp"
#include "volumes/volume.hpp"

namespace medlsam {

// Slices tilted by more are shifted upright where organs are looked for, degrees: over the 500 mm of a scan a
// degree is 9 mm, three voxels of the localization grid.
inline constexpr double kMostTilt = 1;

// Degrees between the normal of the slices, which lie along x and y, and the way from one to the next.
double tilt_degrees(const Affine& affine);

// How the slices of a sheared volume are shifted in their planes so that they lie one above the other:
// column x of slice z becomes x + per_slice[1]·z + before[1], row y becomes y + per_slice[0]·z + before[0].
struct Rectification {
  std::array<double, 2> per_slice{};     // voxels along (y, x)
  std::array<std::int64_t, 2> before{};  // voxels that are put before the first row and column
  Index3 stored_shape{};                 // of the sheared volume, (z, y, x)
  Index3 shape{};                        // with room for all slices
  Affine affine{};                       // of the rectified volume

  // A voxel of the rectified volume → the sheared one's, (z, y, x) both, not rounded.
  std::array<double, 3> to_stored(const std::array<double, 3>& voxel) const;
};

// nullopt where the slices are tilted by `least` degrees at most, or their own axes are not at right angles.
std::optional<Rectification> rectification_of(const Volume& volume, double least);

// The shifted slices, interpolated linearly in their planes; outside them values are those of air, −1024.
Volume rectified(const Volume& volume, const Rectification& rectification, const Task& task);

// The same for a label map: the nearest voxel's label, and 0 outside.
Volume rectified_labels(const Volume& labels, const Rectification& rectification, const Task& task);

}  // namespace medlsam
