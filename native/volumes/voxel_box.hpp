#pragma once

#include "volumes/volume.hpp"

namespace medlsam {

// Stored voxels, (z, y, x), both bounds included.
struct VoxelBox {
  Index3 min{}, max{};
};

}  // namespace medlsam
