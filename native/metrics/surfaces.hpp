// The surface of a mask: as voxels, and as patches of surface between voxels.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/task.hpp"
#include "volumes/volume.hpp"

namespace medlsam {

// Two masks (0, 1) cropped to the box around the voxels of both, plus one voxel of background on every side:
// everything outside the volume is background.
struct MaskPair {
  Index3 shape{};  // (z, y, x); zeros if both masks are empty
  std::vector<std::uint8_t> a, b;
};

// Every value but 0 is foreground. Throws kBadArgument for masks of another shape, and for axes longer than
// 65533.
MaskPair crop_pair(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b, const Index3& shape,
                   const Task& task);

// Offsets of the voxels of a cropped mask that its 6-connected erosion removes, ascending.
std::vector<std::int64_t> surface_voxels(std::span<const std::uint8_t> mask, const Index3& shape,
                                         const Task& task);

// Pieces of surface: one for every cell of 2×2×2 voxels, identified by its first voxel, that are not all
// equal.
struct Surfels {
  std::vector<std::int64_t> cells;  // ascending offsets
  std::vector<double> areas;        // mm²
};

// areas[code]: area of the surface in a cell. Bit 4·z + 2·y + x of `code` is set if voxel (z, y, x) of the
// cell is foreground. The surface is that of marching cubes: it cuts cell edges in the middle and separates
// diagonal neighbors. Its polygons are spanned from their centroids, so that no direction is preferred.
std::array<double, 256> surfel_areas(const std::array<double, 3>& spacing);

Surfels surfels(std::span<const std::uint8_t> mask, const Index3& shape, const std::array<double, 256>& areas,
                const Task& task);

}  // namespace medlsam
