// A label map on the localization grid (algorithm.md part 1.2), without its one-hot volume.
#pragma once

#include <cstdint>
#include <vector>

#include "base/conventions.hpp"
#include "base/task.hpp"
#include "volumes/orientation.hpp"

namespace medlsam {

struct LabelGrid {
  Index3 shape{};                     // (z, y, x), padding included
  std::vector<std::uint16_t> labels;  // 0 is background
};

// The label with the greatest trilinear weight at every grid voxel; the smallest of equals wins.
// `reference`: the grid of floor(n·zoom) voxels sampled at (o + 0.5)/zoom − 0.5 (Q1); `exact`: the image's
// grid. `padding` voxels of 0 on every side. Throws kBadLabels for values that are not whole numbers in
// 0…65535.
LabelGrid make_label_grid(const Volume& volume, Conventions conventions, std::int64_t padding,
                          const Task& task);

// The labels in LAS order as they are stored, without padding. Throws kBadLabels.
LabelGrid las_labels(const Volume& volume, const Task& task);

// The reference sampling alone, for arrays already in LAS order.
LabelGrid resample_labels(const Volume& volume, const std::array<double, 3>& zoom, const Task& task);

struct LabelExtent {
  int label = 0;
  Index3 min{}, max{};  // first and last non-empty index per axis (z, y, x)
};

// Every label but 0 that occurs, in ascending order.
std::vector<LabelExtent> label_extents(const LabelGrid& grid, const Task& task);

}  // namespace medlsam
