// Slices between those that a scanner acquired.
#pragma once

#include <span>

#include "base/task.hpp"
#include "volumes/volume.hpp"

namespace medlsam {

// A slice between slice `lower` of a volume and the one after that, of which it takes the share `weight`.
struct SliceBlend {
  std::int64_t lower = 0;
  double weight = 0;  // 0 to 1
};

// One slice for each blend, with another affine. Whole stored values stay whole, rounded to the nearest.
// Throws kBadArgument for a slice that the volume does not have; kAborted.
Volume resampled_slices(const Volume& volume, std::span<const SliceBlend> blends, const Affine& affine,
                        const Task& task);

}  // namespace medlsam
