// Anatomy on a voxel grid.
#pragma once

#include <vector>

#include "core/phantom/anatomy.hpp"
#include "core/phantom/posture.hpp"
#include "core/phantom/scan.hpp"
#include "core/support/task.hpp"

namespace medlsam::phantom {

// In the patient's order (z, y, x), x fastest.
struct Rendering {
  std::vector<std::int16_t> hu;  // without noise
  std::vector<std::uint8_t> labels;
};

// Equal for any number of threads. Throws kAborted.
Rendering render(const Anatomy& anatomy, const Posture& posture, const Scan& scan, const Task& task);

}  // namespace medlsam::phantom
