// Multi-scale similarity (MSS): where in a patch does a template point lie? algorithm.md part 5.3.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <vector>

#include "base/task.hpp"
#include "kernels/correlation.hpp"

namespace medlsam {

inline constexpr int kLargestFeatures = 64;  // edge

// One scale of the search. Scale k of MedLAM has features of edge patch/4, patch/2, patch for k = 0, 1, 2
// and kernels of edge 2, 4, 8.
struct SimilarityScale {
  const float* features = nullptr;  // (channels, edge, edge, edge), as the network gives them, not normalized
  // For each point, (channels, size, size, size), a sum of normalized support features.
  std::vector<const float*> kernels;
  int edge = 0;  // 16, 32 or 64 for a patch of 64
  int size = 0;  // 2, 4 or 8
};

// Memory of similarity_maps, some 5 MB, 4 MB for each of at most four threads, and 14 MB for each point, to
// be kept by who searches hundreds of points.
struct SimilarityScratch {
  CorrelationScratch correlation;
  AlignedFloats weights;
};

// Maps of several points in one patch: what is done with the patch's features is done once for all.
// map = 1 + Σ_scales resize( correlate(normalize(features), kernel) / size³ ), a patch³ grid.
// `normalize`: L2 over channels at every voxel, eps 1e-12. `correlate`: zero padding size/2 on every side, so
// edge+1 positions. `resize`: trilinear, half-pixel centres, to patch³. Exact to 1e-5 (float32 FFT).
// `maps` receives patch³ values (z, y, x) for each point; every scale has as many kernels. A point's map is
// the same to the bit whatever the other points are.
void similarity_maps(std::span<const SimilarityScale> scales, int channels, int patch, std::span<float> maps,
                     SimilarityScratch& scratch, const Task& task);

// A box of a map's voxels (z, y, x).
struct MapBox {
  std::array<int, 3> first{}, size{};
  auto operator<=>(const MapBox&) const = default;
};

// Adds one scale's part of the sum to the same box of each point's map. Reads only the features that the box
// needs.
void add_scale(const SimilarityScale& scale, int channels, int patch, const MapBox& box,
               std::span<const std::span<float>> maps, SimilarityScratch& scratch, const Task& task);

// Template kernel of one support: the central size³ block of (channels, edge³) features, L2-normalized over
// channels at every voxel, added to `kernel` (channels, size³). algorithm.md part 4.
void add_template_kernel(const float* features, int channels, int edge, int size, std::span<float> kernel);

}  // namespace medlsam
