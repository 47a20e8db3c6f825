#include "preview/view.hpp"

#include <algorithm>
#include <tuple>

#include "volumes/orientation.hpp"

namespace medlsam {

View view_of(const Volume& volume) {
  const Orientation las = las_orientation(volume.affine);
  const Index3 stride = {volume.shape[1] * volume.shape[2], volume.shape[2], 1};
  const std::array<double, 3> edges = spacing(volume.affine);
  View view;
  view.stored_axis = las.stored_axis;
  // LAS counts from the feet, the back and the right.
  view.reversed = {!las.flipped[0], !las.flipped[1], las.flipped[2]};
  for (int a = 0; a < 3; ++a) {
    view.shape[a] = volume.shape[las.stored_axis[a]];
    view.stride[a] = stride[las.stored_axis[a]];
    view.spacing[a] = edges[las.stored_axis[a]];
  }
  return view;
}

std::optional<ViewBox> in_view(const View& view, const VoxelBox& box) {
  ViewBox inside;
  for (int a = 0; a < 3; ++a) {
    const std::int64_t first = std::max<std::int64_t>(box.min[view.stored_axis[a]], 0),
                       last = std::min(box.max[view.stored_axis[a]], view.shape[a] - 1);
    if (first > last) return std::nullopt;
    std::tie(inside.first[a], inside.last[a]) = std::minmax({view.stored(a, first), view.stored(a, last)});
  }
  return inside;
}

VoxelBox stored_bounds(const View& view, const OrganMask& mask) {
  VoxelBox box = kNoVoxels;
  Index3 voxel;
  for (std::size_t z = 0; z < mask.slices.size(); ++z) {
    const SliceMask& slice = mask.slices[z];
    const std::uint16_t* level = slice.levels.data();
    voxel[view.stored_axis[0]] = static_cast<std::int64_t>(z);
    for (std::int64_t y = slice.top; y < slice.top + slice.height; ++y) {
      voxel[view.stored_axis[1]] = y;
      for (std::int64_t x = slice.left; x < slice.left + slice.width; ++x, ++level) {
        if (*level == 0) continue;
        voxel[view.stored_axis[2]] = x;
        box.include({voxel, voxel});
      }
    }
  }
  return box;
}

}  // namespace medlsam
