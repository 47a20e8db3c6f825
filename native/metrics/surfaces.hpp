// Where a mask's surface is: as voxels, and as the patches of surface between voxels.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/task.hpp"
#include "volumes/volume.hpp"

namespace medlsam {

// Two masks (0, 1) cut to the box around the voxels of both, with one voxel of background around: what lies
// outside the volume is background.
struct MaskPair {
  Index3 shape{};  // (z, y, x); nothing when both are empty
  std::vector<std::uint8_t> a, b;
};

// Foreground is what is not 0. Throws kBadArgument for masks that are not of `shape`, which must have no axis
// longer than 65533.
MaskPair crop_pair(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b, const Index3& shape,
                   const Task& task);

// Offsets of the voxels of a cropped mask that its 6-connected erosion removes, ascending.
std::vector<std::int64_t> surface_voxels(std::span<const std::uint8_t> mask, const Index3& shape,
                                         const Task& task);

// Pieces of surface, one in every cell between eight voxels (2×2×2, named by its first) that are not all
// alike.
struct Surfels {
  std::vector<std::int64_t> cells;  // ascending offsets
  std::vector<double> areas;        // mm²
};

// areas[code]: of the surface in a cell where bit 4·z + 2·y + x of `code` says whether its voxel (z, y, x) is
// foreground. The surface is that of marching cubes: it cuts cell edges in the middle and keeps diagonal
// neighbours apart. Its polygons are spanned from their centroids, so that it has no preferred direction.
std::array<double, 256> surfel_areas(const std::array<double, 3>& spacing);

Surfels surfels(std::span<const std::uint8_t> mask, const Index3& shape, const std::array<double, 256>& areas,
                const Task& task);

}  // namespace medlsam
