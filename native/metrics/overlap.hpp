// How well boxes and masks cover each other (algorithm.md part 7).
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "volumes/voxel_box.hpp"

namespace medlsam {

// 2·|a ∩ b| / (|a| + |b|), where every value but 0 is foreground. NaN if both masks are empty. Throws
// kBadArgument for masks of different sizes.
double dice(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b);

// Intersection over union of the boxes' volumes, sides being max − min as the paper has them (a box one voxel
// thick has no volume). NaN when neither has a volume. Throws kBadArgument for a box that is upside down.
double box_iou(const VoxelBox& a, const VoxelBox& b);

// WD: mean distance of the boxes' six walls, mm. `spacing`: mm along (z, y, x). Throws kBadArgument for a box
// that is upside down.
double wall_distance(const VoxelBox& a, const VoxelBox& b, const std::array<double, 3>& spacing);

}  // namespace medlsam
