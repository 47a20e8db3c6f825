// The input of one step of training: patches of several scans, two of each, clean and augmented (part 8).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "training_data/grid_scan.hpp"
#include "training_data/random.hpp"

namespace medlsam::training {

inline constexpr std::int64_t kPoints = 20;  // random points per patch

// One of the two patches of every scan; n scans, patches of p³.
struct Side {
  std::vector<float> clean;            // (n, p, p, p)
  std::vector<float> augmented;        // (n, p, p, p)
  std::vector<float> positions;        // of the augmented voxels' content in mm, (n, 3, p, p, p)
  std::vector<std::int64_t> points;    // voxels of the clean patches, (kPoints, 3), the same for all scans
  std::vector<float> point_positions;  // theirs in mm, (n, kPoints, 3)
};

struct Batch {
  std::array<Side, 2> sides;
  std::vector<float> offsets;  // from the second clean patch's centre to the first's in mm, (n, 3)
};

// The mapped intensity from which on a voxel counts as the body: for patches' centres, and for points. The
// defaults are the published ones, next to nothing: in air, a scan's noise is above them.
struct Foreground {
  float center = 0.001f, point = 0.0001f;
};

// Voxels from this HU on, but never below the published intensities, which -1000 HU therefore stands for.
Foreground foreground_from_hu(double hu);

// Draws `size` scans and their patches of `patch` voxels. Where `wanted` is false, augmented patches and
// their positions are 0, and all else is the same.
Batch draw_batch(
    std::span<const Scan> scans, std::int64_t size, std::int64_t patch, Random random,
    const Foreground& foreground = {},
    const std::function<bool(std::int64_t scan)>& wanted = [](std::int64_t) { return true; });

// Two clean patches of each of `size` scans, for validation: `sides` without augmentation and points.
Batch draw_clean_batch(std::span<const Scan> scans, std::int64_t size, std::int64_t patch, Random random,
                       const Foreground& foreground = {});

}  // namespace medlsam::training
