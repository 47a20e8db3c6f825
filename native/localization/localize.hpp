// Finds the templates' organs in a scan: algorithm.md part 5 as one call.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "localization/survey.hpp"
#include "localization/templates/templates.hpp"
#include "volumes/voxel_box.hpp"

namespace medlsam {

// An organ to find.
struct WantedOrgan {
  std::vector<std::int32_t> points;  // its template points, six for each part
  // Mean cosine between the supports at its points; nullopt if fewer than two show it.
  std::optional<double> agreement;
};

struct LocalizeOptions {
  std::vector<WantedOrgan> organs;
  // Scales of the search (part 5.3); without any there is no search.
  std::array<bool, kScales> scales = {true, true, true};
  // Query centers on the padded grid (part 5.1); drawn by `seed` if there are none.
  std::vector<Index3> query_centers;
  std::uint32_t seed = 0;
  // Not in the published method: a survey places the points, walls that it places outside the scan stay
  // there, and the search prefers near places.
  bool survey = false;
  // Not in the published method: voxels between the centers of search patches, see SearchOptions; 0: none.
  int lattice = 0;
  // Organs that score lower are called absent. By default four fifths of their agreement, or no limit without
  // one.
  std::optional<double> min_score;
  // Organs with less evidence, score ÷ agreement + margin ÷ 300 mm, are called absent, instead of four fifths
  // of the agreement; not where min_score is given, nor without an agreement.
  std::optional<double> min_evidence;
};

struct FoundOrgan {
  // Stored voxels; clipped to the volume for a grid of exact conventions. Of a tilted scan a box a slice.
  std::vector<VoxelBox> parts;
  VoxelBox box;                 // around all parts
  std::optional<double> score;  // mean cosine between found points and template; nullopt without a search
  // How far the box predicted by UAM alone reaches into the scan, mm, along the axis where that is least.
  double margin = 0;
  bool present = false;  // the margin is not negative and the score, or the evidence, high enough
};

struct Localization {
  std::vector<FoundOrgan> organs;  // in the order of the options
  std::size_t patches = 0;         // network runs
  double network_seconds = 0, similarity_seconds = 0;
};

// Reports progress in the phases "query", "survey" and "search", as far as they take place. Throws kBadVolume
// for a scan with only air in its middle, kBadArgument for query centers outside the scan, kBadCheckpoint,
// kAborted.
Localization localize(const std::shared_ptr<MedLamModel>& medlam, SurveyedGrid& scan,
                      const Templates& templates, const LocalizeOptions& options, const Task& task);

// Points of an organ, from which localize() computes boxes, score and verdict (parts 5.4 and 5.5).
struct OrganPoints {
  std::span<const Index3> placed;    // as placed by UAM
  std::span<const Index3> searched;  // as moved by the search; equal to `placed` without one
  std::span<const float> peaks;      // maxima of the similarity maps; empty without a search
};
FoundOrgan describe_organ(const WantedOrgan& organ, const OrganPoints& points, const Grid& grid,
                          const Templates& templates, const LocalizeOptions& options);

}  // namespace medlsam
