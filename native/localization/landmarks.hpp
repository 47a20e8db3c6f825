// Landmarks of a scan: patches with their positions in the anatomical coordinate system (algorithm.md part
// 5.1).
#pragma once

#include <vector>

#include "localization/grid/grid.hpp"
#include "localization/patch_source.hpp"
#include "networks/medlam_model.hpp"

namespace medlsam {

struct Landmarks {
  std::vector<Index3> centers;   // the patches' centers on the scan's padded grid
  std::vector<float> positions;  // the patches' positions in UAM, 3 each, (z, y, x)
};

// Runs the encoder on the patches at `centers`. Throws kBadCheckpoint for a position that is not finite.
Landmarks look_at(MedLamModel& medlam, PatchSource& source, std::vector<Index3> centers, const Task& task);

}  // namespace medlsam
