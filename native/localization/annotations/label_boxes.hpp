// Boxes of a label map's organs in its own voxels: what localization would find if it erred nowhere.
#pragma once

#include <span>
#include <vector>

#include "base/task.hpp"
#include "volumes/voxel_box.hpp"

namespace medlsam {

// A label, and into how many parts to cut it.
struct LabelCut {
  int label = 0;
  int parts = 1;
};

struct LabelBoxes {
  int label = 0;
  VoxelBox box;                 // around all its voxels
  std::vector<VoxelBox> parts;  // from the feet upward; `box` alone for a label that is not cut
};

// The boxes of every label but 0 that occurs, in ascending order. Labels in `cuts` are cut along head–feet as
// Sub-Patch Localization cuts an organ (algorithm.md part 3, exact), in stored slices instead of slices of 3
// mm; an organ of fewer slices than parts is cut into fewer. Holds 2 bytes for each voxel. Throws kBadLabels,
// kBadVolume for a singular affine, kAborted.
std::vector<LabelBoxes> label_boxes(const Volume& volume, std::span<const LabelCut> cuts, const Task& task);

}  // namespace medlsam
