// From found points to boxes, and from boxes to a verdict (algorithm.md parts 5.4 and 5.5).
#pragma once

#include <span>
#include <vector>

#include "localization/annotations/points.hpp"
#include "localization/grid/grid.hpp"
#include "volumes/voxel_box.hpp"

namespace medlsam {

// The box of six points on the padded grid, in stored voxels: bound b of axis a is coordinate a of point
// (b, a). For a grid of exact conventions it is clipped to the volume.
VoxelBox stored_box(std::span<const Index3> points, const Grid& grid);

// The same of a sheared scan's rectified copy, brought back to the scan: a box for each slice, from the first
// on. One box for a grid that is not of such a copy.
std::vector<VoxelBox> stored_boxes(std::span<const Index3> points, const Grid& grid);

// The smallest box around all; there is one at least.
VoxelBox around(std::span<const VoxelBox> boxes);

// `searched`, except for walls that `placed` has outside the scan or less than 12 mm inside (between 0 and 48
// mm made little difference): there the scan's edge cuts the organ, and a search that sees only the scan
// would move the wall to something else. Six points each part.
std::vector<Index3> keep_cut_walls(std::span<const Index3> searched, std::span<const Index3> placed,
                                   const Index3& grid_shape);

// How far the points' box, over all parts, reaches into the scan, mm, along the axis where that is least;
// negative where it lies wholly outside.
double margin_in_scan(std::span<const Index3> points, const Index3& grid_shape);

}  // namespace medlsam
