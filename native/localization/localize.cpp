#include "localization/localize.hpp"

#include <algorithm>
#include <limits>

#include "base/clock.hpp"
#include "localization/boxes.hpp"
#include "localization/patches.hpp"
#include "localization/place.hpp"
#include "localization/query.hpp"

namespace medlsam {
namespace {

// The least score of a present organ, as a fraction of its supports' agreement. On phantoms (seeds 40001 to
// 40008) no organ that was there scored below 0.82 of it, and one half would have let a quarter of the absent
// organs pass.
constexpr double kLeastOfAgreement = 0.8;

// Margin in mm that is as much evidence of an organ as a score of its agreement. With it one limit told
// organs of patients' cut scans apart (bench/RESULTS.md, absent organs of patients); 60 and 200 mm did so
// less well.
constexpr double kMarginOfEvidence = 300;

std::vector<std::int32_t> points_of(const std::vector<WantedOrgan>& organs) {
  std::vector<std::int32_t> indices;
  for (const WantedOrgan& organ : organs)
    indices.insert(indices.end(), organ.points.begin(), organ.points.end());
  return indices;
}

std::vector<Index3> query_centers(const Grid& grid, const LocalizeOptions& options) {
  if (options.query_centers.empty()) return draw_query_centers(grid, options.seed);
  check_query_centers(options.query_centers, grid);
  return options.query_centers;
}

// Parts 5.1 and 5.2. Adds the number of patches to `patches`.
std::vector<Index3> place(const std::shared_ptr<MedLamModel>& medlam, SurveyedGrid& scan, PatchSource& source,
                          const Templates& templates, std::span<const std::int32_t> indices,
                          const LocalizeOptions& options, const Task& task, std::size_t& patches) {
  const Grid& grid = scan.grid();
  const Landmarks query = look_at(*medlam, source, query_centers(grid, options), task.in_phase("query"));
  patches += query.centers.size();
  if (!options.survey) return place_points(query, {}, grid.shape, templates, indices);
  task.check();
  const auto survey = scan.survey(medlam, source, task.in_phase("survey"));
  if (survey.made_now) patches += survey.landmarks->centers.size();
  return place_points(query, *survey.landmarks, grid.shape, templates, indices);
}

// Mean over the points of (peak − 1) / (scales · supports): each scale adds the sum over supports of a mean
// cosine.
double mean_cosine(std::span<const float> peaks, const std::vector<std::int32_t>& points,
                   const Templates& templates, const std::array<bool, kScales>& scales) {
  const auto used = std::count(scales.begin(), scales.end(), true);
  double sum = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto cosines = static_cast<double>(used * templates.supports()[points[i]]);
    sum += (static_cast<double>(peaks[i]) - 1) / cosines;
  }
  return sum / static_cast<double>(points.size());
}

bool is_evident(const FoundOrgan& found, const WantedOrgan& organ, const LocalizeOptions& options) {
  if (!found.score) return true;
  if (options.min_score) return *found.score >= *options.min_score;
  if (!organ.agreement) return true;
  if (options.min_evidence)
    return *found.score / *organ.agreement + found.margin / kMarginOfEvidence >= *options.min_evidence;
  return *found.score >= kLeastOfAgreement * *organ.agreement;
}

}  // namespace

FoundOrgan describe_organ(const WantedOrgan& organ, const OrganPoints& points, const Grid& grid,
                          const Templates& templates, const LocalizeOptions& options) {
  std::vector<Index3> walls(points.searched.begin(), points.searched.end());
  if (options.survey) walls = keep_cut_walls(points.searched, points.placed, grid.shape);
  FoundOrgan found;
  for (std::size_t first = 0; first < walls.size(); first += kPointsPerPart) {
    const auto boxes = stored_boxes(std::span(walls).subspan(first, kPointsPerPart), grid);
    found.parts.insert(found.parts.end(), boxes.begin(), boxes.end());
  }
  found.box = around(found.parts);
  if (!points.peaks.empty()) found.score = mean_cosine(points.peaks, organ.points, templates, options.scales);
  found.margin = margin_in_scan(points.placed, grid.shape);
  found.present = found.margin >= 0 && is_evident(found, organ, options);
  return found;
}

Localization localize(const std::shared_ptr<MedLamModel>& medlam, SurveyedGrid& scan,
                      const Templates& templates, const LocalizeOptions& options, const Task& task) {
  const std::vector<std::int32_t> indices = points_of(options.organs);
  Localization result;
  const auto start = Clock::now();
  const auto source = open_patches(scan.grid(), medlam->device());
  const std::vector<Index3> placed =
      place(medlam, scan, *source, templates, indices, options, task, result.patches);
  result.network_seconds = seconds_since(start);
  task.check();

  Search found{placed, {}};
  if (std::ranges::find(options.scales, true) != options.scales.end()) {
    found = search(*medlam, *source, scan.grid().shape, templates, placed, indices,
                   {options.scales, options.survey, options.lattice}, task.in_phase("search"));
  }
  result.patches += found.patches;
  result.network_seconds += found.network_seconds;
  result.similarity_seconds = found.similarity_seconds;

  std::size_t first = 0;
  for (const WantedOrgan& organ : options.organs) {
    const std::size_t count = organ.points.size();
    const OrganPoints points = {
        std::span(placed).subspan(first, count), std::span(found.points).subspan(first, count),
        found.peaks.empty() ? std::span<const float>() : std::span(found.peaks).subspan(first, count)};
    result.organs.push_back(describe_organ(organ, points, scan.grid(), templates, options));
    first += count;
  }
  return result;
}

}  // namespace medlsam
