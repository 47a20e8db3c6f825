// Scans localized and segmented where the networks compute, for benchmarks.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "localization/annotations/points.hpp"
#include "localization/localize.hpp"
#include "networks/sam_model.hpp"
#include "runtimes/runtime.hpp"
#include "segmentation/masks/scan_masks.hpp"
#include "segmentation/slices/prompts.hpp"

namespace medlsam::torch {

const Task& all_threads();

// A runtime on a device, for networks and for what surrounds them.
struct Place {
  std::shared_ptr<const Runtime> runtime;
  Device device;
  DType precision = DType::kF32;

  Compile compile() const;
};

struct Models {
  std::shared_ptr<MedLamModel> medlam;
  std::shared_ptr<SamModel> sam;
};

// An organ for each number of parts; nothing is called absent for its score.
LocalizeOptions options_for(std::span<const int> parts);

// Grids the volume and localizes.
Localization localize_on(const Place& place, const Models& models, const Volume& volume,
                         const Templates& templates, const LocalizeOptions& options);

struct SegmentedScan {
  ScanMasks masks;
  std::size_t encoded = 0;  // slices
};

// Segments the organs on these slices.
SegmentedScan segment_on(const Models& models, const Volume& volume, const std::vector<OrganPrompt>& organs,
                         const std::vector<std::int64_t>& slices);

}  // namespace medlsam::torch
