#pragma once

#include <algorithm>
#include <limits>

#include "volumes/volume.hpp"

namespace medlsam {

// Stored voxels, (z, y, x), both bounds included.
struct VoxelBox {
  Index3 min{}, max{};

  // Grows the box until it holds the other one, too.
  void include(const VoxelBox& other) {
    for (std::size_t a = 0; a < 3; ++a) {
      min[a] = std::min(min[a], other.min[a]);
      max[a] = std::max(max[a], other.max[a]);
    }
  }

  bool is_upright() const { return min[0] <= max[0] && min[1] <= max[1] && min[2] <= max[2]; }

  // Voxels along each axis, for a box that is upright.
  Index3 extent() const { return {max[0] + 1 - min[0], max[1] + 1 - min[1], max[2] + 1 - min[2]}; }

  // Whether any of its voxels lies in a volume of this shape.
  bool meets(const Index3& shape) const {
    for (std::size_t a = 0; a < 3; ++a) {
      if (max[a] < 0 || min[a] >= shape[a]) return false;
    }
    return is_upright();
  }
};

// A box without voxels, for include() to begin with; not upright.
inline constexpr VoxelBox kNoVoxels = [] {
  VoxelBox box;
  box.min.fill(std::numeric_limits<std::int64_t>::max());
  box.max.fill(std::numeric_limits<std::int64_t>::min());
  return box;
}();

}  // namespace medlsam
