// Steps from a resampled volume to the patches of the padded grid (algorithm.md part 1), on a GPU.
#pragma once

#include <cstdint>

#include "kernels/cuda/elements.hpp"
#include "kernels/cuda/memory.hpp"

namespace medlsam::cuda {

struct Extents {
  std::int64_t z = 0, y = 0, x = 0;
  MEDLSAM_HD std::int64_t voxels() const { return z * y * x; }
};

// Minimum and maximum of the values but NaN; `finite` where no value is NaN or infinite.
struct Range {
  float min, max;
  std::int32_t finite;
};

// Waits for it. `partials`: scratch memory.
Range value_range(Stream stream, const void* values, Element type, std::int64_t count,
                  DeviceArray<Range>& partials);

// Piecewise linear through (place[i], value[i]), clamped outside; no knots: values are left as they are.
struct ValueMap {
  static constexpr int kMostKnots = 8;
  std::int32_t knots = 0;
  double place[kMostKnots] = {}, value[kMostKnots] = {};
};

// Where the grid's voxel inside the padding lies in the resampled volume: origin + z · step_z + ….
struct GridPlacement {
  Extents shape;  // of the padded grid
  std::int64_t padding = 0;
  std::int64_t origin = 0, step_z = 0, step_y = 0, step_x = 0;
};

// Writes the whole padded grid, 0 in the padding.
void fill_grid(Stream stream, const float* resampled, const GridPlacement& placement, const ValueMap& map,
               float* grid);

// Patches [center − edge/2, center + edge/2) of the grid, 0 outside. `centers`: (count, 3) as (z, y, x), in
// device memory; `out`: (count, edge³) of a floating type.
void gather_patches(Stream stream, const float* grid, const Extents& shape, const std::int64_t* centers,
                    std::int64_t count, std::int64_t edge, Element type, void* out);

}  // namespace medlsam::cuda
