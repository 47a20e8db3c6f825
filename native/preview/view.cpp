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

std::optional<ViewBox> bounds_in_view(const View& view, const OrganMask& mask) {
  // In the mask's order, slice, row, column: the view's axes as they are stored.
  Index3 first = view.shape, last = {-1, -1, -1};
  for (std::size_t z = 0; z < mask.slices.size(); ++z) {
    const SliceMask& slice = mask.slices[z];
    const std::uint16_t* level = slice.levels.data();
    for (std::int64_t y = slice.top; y < slice.top + slice.height; ++y) {
      for (std::int64_t x = slice.left; x < slice.left + slice.width; ++x, ++level) {
        if (*level == 0) continue;
        const Index3 voxel = {static_cast<std::int64_t>(z), y, x};
        for (int a = 0; a < 3; ++a) {
          first[a] = std::min(first[a], voxel[a]);
          last[a] = std::max(last[a], voxel[a]);
        }
      }
    }
  }
  VoxelBox box;
  for (int a = 0; a < 3; ++a) {
    box.min[view.stored_axis[a]] = first[a];
    box.max[view.stored_axis[a]] = last[a];
  }
  return in_view(view, box);
}

ViewBox around(const ViewBox& a, const ViewBox& b) {
  ViewBox both;
  for (int axis = 0; axis < 3; ++axis) {
    both.first[axis] = std::min(a.first[axis], b.first[axis]);
    both.last[axis] = std::max(a.last[axis], b.last[axis]);
  }
  return both;
}

}  // namespace medlsam
