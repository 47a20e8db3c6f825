// Where similarity maps have their peaks.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "localization/similarity/similarity.hpp"

namespace medlsam {

// How much less a voxel counts: by `fall` times its squared distance, in voxels, from `from`, which may lie
// outside the map.
struct Nearness {
  std::array<int, 3> from{};  // (z, y, x)
  float fall = 0;
};

// The voxel of the first maximum of map − fall·d², in [0, patch).
std::array<int, 3> find_peak(std::span<const float> map, int patch, const Nearness& nearness = {});

struct SimilarityPeak {
  std::array<int, 3> voxel{};  // (z, y, x) of the first maximum of map − fall·d²
  float value = 0;             // maximum of the map: 1 + the sum over scales
};

// The peaks of similarity_maps for points with this nearness each, but for rounding. Of the last scale, which
// takes nearly all of the time, only the part of a map is computed in which the peak may be: no cosine
// exceeds 1, so that the norm of the kernel's vectors bounds what that scale can add to the others' sum.
std::vector<SimilarityPeak> find_peaks(std::span<const SimilarityScale> scales, int channels, int patch,
                                       std::span<const Nearness> points, SimilarityScratch& scratch,
                                       const Task& task);

}  // namespace medlsam
