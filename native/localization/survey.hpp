// A survey, which is not in the published method: the positions of patches all over a scan, which place
// points more accurately than patches from its middle (place.hpp).
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "localization/grid/grid.hpp"
#include "localization/landmarks.hpp"
#include "networks/medlam_model.hpp"

namespace medlsam {

// Patches all over the scan, half a patch apart, except in air and lung. A survey depends only on the network
// and the scan, so one is enough for any number of templates.
Landmarks survey_scan(MedLamModel& medlam, const Grid& grid, PatchSource& source, const Task& task);

// A scan's grid with its surveys, one for each network. Thread-safe; two threads that need the first survey
// at the same time both make it.
class SurveyedGrid {
 public:
  explicit SurveyedGrid(Grid grid) : grid_(std::move(grid)) {}

  const Grid& grid() const { return grid_; }

  // The network's survey of this scan, made with the grid's `source` if there is none yet; sets `made_now`
  // accordingly.
  struct Survey {
    std::shared_ptr<const Landmarks> landmarks;
    bool made_now = false;
  };
  Survey survey(const std::shared_ptr<MedLamModel>& medlam, PatchSource& source, const Task& task);

 private:
  std::shared_ptr<const Landmarks> find(const std::shared_ptr<MedLamModel>& medlam);

  Grid grid_;
  std::mutex mutex_;
  // Weak, so that a new network at the address of a freed one is not taken for it.
  std::vector<std::pair<std::weak_ptr<MedLamModel>, std::shared_ptr<const Landmarks>>> surveys_;
};

}  // namespace medlsam
