// Landmarks of a scan: patches whose places in the anatomical coordinate system the network was asked for
// (algorithm.md part 5.1).
#pragma once

#include <vector>

#include "localization/grid/grid.hpp"
#include "networks/medlam_model.hpp"

namespace medlsam {

struct Landmarks {
  std::vector<Index3> centers;   // of the patches, on the scan's padded grid
  std::vector<float> positions;  // of the patches in UAM, 3 each, (z, y, x)
};

// Runs the encoder on the patches at `centers`. Throws kBadCheckpoint for a position that is not a number.
Landmarks look_at(MedLamModel& medlam, const Grid& grid, std::vector<Index3> centers, const Task& task);

}  // namespace medlsam
