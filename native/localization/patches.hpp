// MedLAM on patches of a grid: the steps of algorithm.md parts 4 and 5 that run the network. Every distinct
// patch runs once, whatever the number of points that ask for it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "localization/grid/grid.hpp"
#include "localization/templates/templates.hpp"
#include "networks/medlam_model.hpp"

namespace medlsam {

// Positions in the unified anatomical coordinate system of the patches at these centres, (n, 3); encoder
// only.
std::vector<float> patch_positions(MedLamModel& medlam, const Grid& grid, std::span<const Index3> centers,
                                   const Task& task);

// Adds patches of one support to templates: the patch at centers[i] to point indices[i], with positions[3·i
// …] or, where there are none, what the network says of the patch. Part 4.
void add_patches(Templates& templates, MedLamModel& medlam, const Grid& grid, std::span<const Index3> centers,
                 std::span<const float> positions, std::span<const std::int32_t> indices, const Task& task);

struct Search {
  std::vector<Index3> points;  // where each point moved to, on the padded grid
  std::vector<float> peaks;    // the similarity map's maximum: 1 + the sum over scales
  std::size_t patches = 0;     // network runs
  double network_seconds = 0, similarity_seconds = 0;
};

// Multi-scale similarity, part 5.3: each start is clamped to where a whole patch fits, and template point
// indices[i] is looked for in the patch there, on the scales with use_scale[k]. At least one scale.
// With `near`, beyond the published method, what lies d mm from the start must be more similar to be
// preferred: by (d / 200 mm)² of a mean cosine.
Search search(MedLamModel& medlam, const Grid& grid, const Templates& templates,
              std::span<const Index3> starts, std::span<const std::int32_t> indices,
              const std::array<bool, kScales>& use_scale, bool near, const Task& task);

}  // namespace medlsam
