#pragma once

#include <cstddef>

#include "segmentation/masks/organ_mask.hpp"

namespace medlsam {

struct ComponentFilter {
  bool largest_only = false;   // of equally large ones, keeps the first, counted from the lowest stored slice
  std::size_t min_voxels = 0;  // smaller components are removed, even if none remains
};

// Removes connected components of the mask. Voxels are connected by faces, edges and corners (26 neighbors):
// slices are segmented one by one, and the masks of a thin oblique organ may touch only at corners.
void filter_components(OrganMask& mask, const ComponentFilter& filter);

}  // namespace medlsam
