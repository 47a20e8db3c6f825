// A survey, beyond the published method: what the network says of patches all over a scan, which places
// points more closely than a look from its middle (place.hpp).
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "localization/grid/grid.hpp"
#include "localization/landmarks.hpp"
#include "networks/medlam_model.hpp"

namespace medlsam {

// Patches all over the scan, half a patch apart, except in air and lung. It depends on the network and the
// scan alone: once is enough for any number of templates.
Landmarks survey_scan(MedLamModel& medlam, const Grid& grid, const Task& task);

// A scan on its grid with the surveys made of it, one for each network that asked. Safe to use from several
// threads; two that ask for the first survey at once both make it.
class SurveyedGrid {
 public:
  explicit SurveyedGrid(Grid grid) : grid_(std::move(grid)) {}

  const Grid& grid() const { return grid_; }

  // The network's survey of this scan, made now unless there is one: `made_now` says which.
  struct Survey {
    std::shared_ptr<const Landmarks> landmarks;
    bool made_now = false;
  };
  Survey survey(const std::shared_ptr<MedLamModel>& medlam, const Task& task);

 private:
  std::shared_ptr<const Landmarks> find(const std::shared_ptr<MedLamModel>& medlam);

  Grid grid_;
  std::mutex mutex_;
  // A network that is gone never equals one that came later, though it may have its address.
  std::vector<std::pair<std::weak_ptr<MedLamModel>, std::shared_ptr<const Landmarks>>> surveys_;
};

}  // namespace medlsam
