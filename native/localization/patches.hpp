// Runs MedLAM on patches of a grid: the steps of algorithm.md parts 4 and 5 that need the network. Every
// distinct patch runs once, however many points need it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "localization/grid/grid.hpp"
#include "localization/patch_source.hpp"
#include "localization/templates/templates.hpp"
#include "networks/medlam_model.hpp"

namespace medlsam {

// Positions in the unified anatomical coordinate system of the patches at these centers, (n, 3); encoder
// only.
std::vector<float> patch_positions(MedLamModel& medlam, PatchSource& source, std::span<const Index3> centers,
                                   const Task& task);

// Adds patches of one support to templates: the patch at centers[i] to point indices[i], with positions[3·i
// …] or, if there are none, the patch's own position. Part 4.
void add_patches(Templates& templates, MedLamModel& medlam, PatchSource& source,
                 std::span<const Index3> centers, std::span<const float> positions,
                 std::span<const std::int32_t> indices, const Task& task);

struct Search {
  std::vector<Index3> points;  // the points as moved, on the padded grid
  std::vector<float> peaks;    // the similarity map's maximum: 1 + the sum over scales
  std::size_t patches = 0;     // network runs
  double network_seconds = 0, similarity_seconds = 0;
};

struct SearchOptions {
  std::array<bool, kScales> scales = {true, true, true};  // one at least
  // Not in the published method: a place d mm from the start must be more similar by (d / 200 mm)² of a mean
  // cosine.
  bool near = false;
  // Not in the published method: voxels between the centers of patches, which lie on a lattice, so that
  // points near each other share a patch; 0: each point has the patch around it.
  int lattice = 0;
};

// Multi-scale similarity, part 5.3: template point indices[i] is searched in the patch around starts[i],
// whose center is moved to where a whole patch fits into a grid of this shape.
Search search(MedLamModel& medlam, PatchSource& source, const Index3& grid_shape, const Templates& templates,
              std::span<const Index3> starts, std::span<const std::int32_t> indices,
              const SearchOptions& options, const Task& task);

}  // namespace medlsam
