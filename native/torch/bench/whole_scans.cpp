#include "torch/bench/whole_scans.hpp"

#include <algorithm>
#include <thread>

#include "localization/grid/gpu_grid.hpp"
#include "segmentation/slicewise.hpp"

namespace medlsam::torch {

const Task& all_threads() {
  static const Task task{.threads = std::max(1u, std::thread::hardware_concurrency()),
                         .cancelled = nullptr,
                         .on_progress = nullptr};
  return task;
}

Compile Place::compile() const {
  return compile_on(runtime, runtime->place({device, precision, all_threads().threads}));
}

LocalizeOptions options_for(std::span<const int> parts) {
  LocalizeOptions options;
  options.min_score = -1;
  std::int32_t next = 0;
  for (const int count : parts) {
    WantedOrgan& organ = options.organs.emplace_back();
    const auto points = static_cast<std::int32_t>(kPointsPerPart) * count;
    for (std::int32_t i = 0; i < points; ++i) organ.points.push_back(next++);
  }
  return options;
}

Localization localize_on(const Place& place, const Models& models, const Volume& volume,
                         const Templates& templates, const LocalizeOptions& options) {
  SurveyedGrid grid(make_grid_on(place.device, volume, Conventions::kExact, false, all_threads()));
  return localize(models.medlam, grid, templates, options, all_threads());
}

SegmentedScan segment_on(const Models& models, const Volume& volume, const std::vector<OrganPrompt>& organs,
                         const std::vector<std::int64_t>& slices) {
  SegmentedScan scan{ScanMasks(volume.affine, volume.shape, organs.size()), 0};
  const SlicePlan plan = plan_slices(organs, scan.masks.layout, models.sam->weights().image_size(), &slices);
  scan.encoded = segment_slices(*models.sam, volume, Conventions::kExact, plan, scan.masks,
                                MaskLevels::kRanks, all_threads())
                     .encoder_runs;
  return scan;
}

}  // namespace medlsam::torch
