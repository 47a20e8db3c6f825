#pragma once

#include <cstddef>

#include "segmentation/masks/organ_mask.hpp"

namespace medlsam {

struct ComponentFilter {
  bool largest_only = false;   // of several as large, the one met first, from the lowest stored slice on
  std::size_t min_voxels = 0;  // smaller components are removed, be it the only one
};

// Removes connected components of the mask. Voxels are connected by faces, edges and corners (26 neighbors):
// slices are segmented one by one, and those of a thin oblique organ may well touch at a corner only.
void filter_components(OrganMask& mask, const ComponentFilter& filter);

}  // namespace medlsam
