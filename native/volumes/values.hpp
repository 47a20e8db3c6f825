// The values of a volume as plain arrays.
#pragma once

#include <vector>

#include "base/task.hpp"
#include "volumes/volume.hpp"

namespace medlsam {

// A dense array and its extents (z, y, x), x fastest.
template <class T>
struct Shaped {
  Index3 shape{};
  std::vector<T> values;
};

// stored · slope + intercept for every voxel, in stored order.
std::vector<float> scaled_values(const Volume& volume, const Task& task);

// The same in LAS order (algorithm.md part 1.1), not rounded to float32.
Shaped<double> las_values(const Volume& volume);

}  // namespace medlsam
