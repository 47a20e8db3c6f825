// Anatomy on a voxel grid.
#pragma once

#include <vector>

#include "base/task.hpp"
#include "phantom/anatomy.hpp"
#include "phantom/posture.hpp"
#include "phantom/scan.hpp"

namespace medlsam::phantom {

// Values in the patient's order (z, y, x), x fastest.
struct Rendering {
  std::vector<std::int16_t> hu;  // without noise
  std::vector<std::uint8_t> labels;
};

// Gives the same rendering for any number of threads. Throws kAborted.
Rendering render(const Anatomy& anatomy, const Posture& posture, const Scan& scan, const Task& task);

}  // namespace medlsam::phantom
