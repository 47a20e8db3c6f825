// Multi-scale similarity (MSS): where in a patch does a template point lie? algorithm.md part 5.3.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/task.hpp"
#include "kernels/correlation.hpp"

namespace medlsam {

// One scale of the search. Scale k of MedLAM has features of edge patch/4, patch/2, patch for k = 0, 1, 2
// and kernels of edge 2, 4, 8.
struct SimilarityScale {
  const float* features = nullptr;  // (channels, edge, edge, edge), as the network gives them, not normalized
  const float* kernel = nullptr;    // (channels, size, size, size), a sum of normalized support features
  int edge = 0;                     // 16, 32 or 64 for a patch of 64
  int size = 0;                     // 2, 4 or 8
};

// Memory of similarity_map, some 20 MB, to be kept by who searches hundreds of points.
struct SimilarityScratch {
  CorrelationScratch correlation;
  ScratchBuffer weights;
};

struct SimilarityPeak {
  std::array<int, 3> voxel{};  // (z, y, x) of the first maximum, in [0, patch)
  float value = 0;             // the map there: 1 + the sum over scales
};

// map = 1 + Σ_scales resize( correlate(normalize(features), kernel) / size³ ), a patch³ grid.
// `normalize`: L2 over channels at every voxel, eps 1e-12. `correlate`: zero padding size/2 on every side, so
// edge+1 positions. `resize`: trilinear, half-pixel centres, to patch³. Exact to 1e-5 (float32 FFT).
// `map` receives patch³ values (z, y, x).
void similarity_map(std::span<const SimilarityScale> scales, int channels, int patch, std::span<float> map,
                    SimilarityScratch& scratch, const Task& task);

SimilarityPeak find_peak(std::span<const float> map, int patch);

// The voxel of the first maximum of map − fall·d², d the distance in voxels from `from`, which may lie
// outside.
std::array<int, 3> find_near(std::span<const float> map, int patch, const std::array<int, 3>& from,
                             float fall);

// Template kernel of one support: the central size³ block of (channels, edge³) features, L2-normalized over
// channels at every voxel, added to `kernel` (channels, size³). algorithm.md part 4.
void add_template_kernel(const float* features, int channels, int edge, int size, std::span<float> kernel);

}  // namespace medlsam
