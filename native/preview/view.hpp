// A stored volume in radiological orientation.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "segmentation/masks/organ_mask.hpp"
#include "volumes/voxel_box.hpp"

namespace medlsam {

// Voxels counted from the patient's head, front and right: everything here is in the order (superior to
// inferior, anterior to posterior, right to left), whatever the stored order.
struct View {
  std::array<int, 3> stored_axis{};  // the axis in the stored (z, y, x)
  std::array<bool, 3> reversed{};    // whether that axis is stored in the opposite direction
  Index3 shape{}, stride{};          // voxels; stored voxels to the next one if the axis is not reversed
  std::array<double, 3> spacing{};   // mm

  // Stored index of index `i` of axis `a`; its own inverse.
  std::int64_t stored(int a, std::int64_t i) const { return reversed[a] ? shape[a] - 1 - i : i; }
};

// Throws kBadVolume for a singular affine.
View view_of(const Volume& volume);

// Inclusive bounds, in the order of View.
struct ViewBox {
  Index3 first{}, last{};
};

// The part of a stored box that lies in the volume, if any.
std::optional<ViewBox> in_view(const View& view, const VoxelBox& box);

// Stored bounds of a mask's foreground; kNoVoxels for none. The mask must belong to the volume.
VoxelBox stored_bounds(const View& view, const OrganMask& mask);

}  // namespace medlsam
