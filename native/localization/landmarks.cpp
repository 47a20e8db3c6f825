#include "localization/landmarks.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.hpp"
#include "localization/patches.hpp"

namespace medlsam {

Landmarks look_at(MedLamModel& medlam, PatchSource& source, std::vector<Index3> centers, const Task& task) {
  Landmarks found{std::move(centers), {}};
  found.positions = patch_positions(medlam, source, found.centers, task);
  if (!std::ranges::all_of(found.positions, [](float value) { return std::isfinite(value); })) {
    throw Error(ErrorCode::kBadCheckpoint,
                "The network gives a patch of the scan a position that is not a number: its checkpoint is "
                "damaged, or was trained until it diverged. Use another.");
  }
  return found;
}

}  // namespace medlsam
