// Every organ of one label map against the same organ of another (algorithm.md part 7).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/task.hpp"
#include "metrics/surface_distances.hpp"
#include "volumes/volume.hpp"
#include "volumes/voxel_box.hpp"

namespace medlsam {

struct LabelCount {
  int label = 0;
  std::uint64_t voxels = 0;
  VoxelBox box;  // around its voxels
};

// Every label but 0 that occurs, in ascending order. Throws kBadLabels for values that are not labels,
// kAborted.
std::vector<LabelCount> count_labels(const Volume& volume, const Task& task);

// The labels that stand for one organ in two label maps; 0 where a map does not know it.
struct LabelPair {
  int prediction = 0, truth = 0;
};

struct OrganComparison {
  std::uint64_t prediction_voxels = 0, truth_voxels = 0;
  std::optional<VoxelBox> prediction_box, truth_box;  // nullopt for an empty mask
  double dice = 0;                                    // see overlap.hpp
  SurfaceDistances distances;                         // mm
  double surface_dice = 0;                            // within `tolerance` mm
};

// Comparisons in the order of `labels`, with the truth's spacing. Organs are compared in parallel, each
// cropped to the box around both its masks: a thread holds 4 bytes for each voxel of one organ's box. Throws
// kBadArgument for volumes of different shapes and labels outside 0…65535, kBadLabels, kAborted.
std::vector<OrganComparison> compare_labels(const Volume& prediction, const Volume& truth,
                                            std::span<const LabelPair> labels, double tolerance,
                                            const Task& task);

}  // namespace medlsam
