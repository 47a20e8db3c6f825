#include "localization/annotations/label_boxes.hpp"

#include <algorithm>
#include <tuple>

#include "localization/annotations/points.hpp"

namespace medlsam {
namespace {

// A box in LAS order as a box of stored voxels.
VoxelBox to_stored(const Index3& first, const Index3& last, const Orientation& las, const Index3& las_shape) {
  VoxelBox box;
  for (int a = 0; a < 3; ++a) {
    const auto stored = [&](std::int64_t i) { return las.flipped[a] ? las_shape[a] - 1 - i : i; };
    const int axis = las.stored_axis[a];
    std::tie(box.min[axis], box.max[axis]) = std::minmax({stored(first[a]), stored(last[a])});
  }
  return box;
}

}  // namespace

std::vector<LabelBoxes> label_boxes(const Volume& volume, std::span<const LabelCut> cuts, const Task& task) {
  const Orientation las = las_orientation(volume.affine);
  const LabelGrid grid = las_labels(volume, task);
  std::vector<LabelBoxes> organs;
  for (const LabelExtent& extent : label_extents(grid, task)) {
    task.check();
    const VoxelBox box = to_stored(extent.min, extent.max, las, grid.shape);
    LabelBoxes organ{extent.label, box, {box}};
    if (const auto cut = std::ranges::find(cuts, extent.label, &LabelCut::label); cut != cuts.end()) {
      const std::int64_t slices = std::max<std::int64_t>(1, extent.max[0] - extent.min[0]);
      const auto parts = static_cast<int>(std::clamp<std::int64_t>(cut->parts, 1, slices));
      organ.parts.clear();
      for (const ExtremePoints& points : part_points(grid, extent, parts, Conventions::kExact)) {
        const Index3 first = {points[0][0], points[1][1], points[2][2]},
                     last = {points[3][0], points[4][1], points[5][2]};
        organ.parts.push_back(to_stored(first, last, las, grid.shape));
      }
    }
    organs.push_back(std::move(organ));
  }
  return organs;
}

}  // namespace medlsam
