#include "localization/survey.hpp"

namespace medlsam {
namespace {

// −600 HU: lower values are air or lung, whose patches tell little about their position.
constexpr float kTissue = 0.1f;

// A lattice of centers half a patch apart, without those in air or lung.
std::vector<Index3> survey_centers(const Grid& grid, std::int64_t edge) {
  // The lattice is centered in the scan: half of the remainder lies before the first point.
  const std::int64_t step = edge / 2;
  Index3 first;
  for (int a = 0; a < 3; ++a) {
    const std::int64_t extent = grid.shape[a] - 2 * kGridPadding;
    first[a] = kGridPadding + (extent - 1) % step / 2;
  }
  std::vector<Index3> centers;
  Index3 center;
  for (center[0] = first[0]; center[0] < grid.shape[0] - kGridPadding; center[0] += step) {
    for (center[1] = first[1]; center[1] < grid.shape[1] - kGridPadding; center[1] += step) {
      for (center[2] = first[2]; center[2] < grid.shape[2] - kGridPadding; center[2] += step) {
        if (grid.at(center) > kTissue) centers.push_back(center);
      }
    }
  }
  return centers;
}

}  // namespace

Landmarks survey_scan(MedLamModel& medlam, const Grid& grid, PatchSource& source, const Task& task) {
  return look_at(medlam, source, survey_centers(grid, medlam.weights().patch()), task);
}

std::shared_ptr<const Landmarks> SurveyedGrid::find(const std::shared_ptr<MedLamModel>& medlam) {
  std::lock_guard lock(mutex_);
  for (const auto& [network, landmarks] : surveys_) {
    if (network.lock() == medlam) return landmarks;
  }
  return nullptr;
}

SurveyedGrid::Survey SurveyedGrid::survey(const std::shared_ptr<MedLamModel>& medlam, PatchSource& source,
                                          const Task& task) {
  if (auto known = find(medlam)) return {std::move(known), false};
  auto made = std::make_shared<const Landmarks>(survey_scan(*medlam, grid_, source, task));
  std::lock_guard lock(mutex_);
  surveys_.emplace_back(medlam, made);
  return {std::move(made), true};
}

}  // namespace medlsam
