#include "metrics/surface_distances.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "metrics/nearest.hpp"

namespace medlsam {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

void require_spacing(const std::array<double, 3>& spacing) {
  for (double edge : spacing) {
    if (edge > 0 && std::isfinite(edge)) continue;
    throw Error(ErrorCode::kBadArgument,
                "A spacing of " + std::to_string(edge) + " mm is not valid: it must be positive.");
  }
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// Percentile, interpolated linearly between the two nearest ranks. Reorders the values.
double percentile(std::vector<double>& values, double percent) {
  const double rank = percent / 100 * static_cast<double>(values.size() - 1);
  const auto below = values.begin() + static_cast<std::ptrdiff_t>(rank);
  std::nth_element(values.begin(), below, values.end());
  if (below + 1 == values.end()) return *below;
  return std::lerp(*below, *std::min_element(below + 1, values.end()), rank - std::floor(rank));
}

double area_within(const Surfels& surface, const std::vector<double>& distances, double tolerance) {
  double sum = 0;
  for (std::size_t i = 0; i < distances.size(); ++i) sum += distances[i] <= tolerance ? surface.areas[i] : 0;
  return sum;
}

double area(const Surfels& surface) {
  return std::accumulate(surface.areas.begin(), surface.areas.end(), 0.0);
}

}  // namespace

SurfaceDistances surface_distances(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b,
                                   const Index3& shape, const std::array<double, 3>& spacing,
                                   const Task& task) {
  return surface_distances(crop_pair(a, b, shape, task), spacing, task);
}

SurfaceDistances surface_distances(const MaskPair& pair, const std::array<double, 3>& spacing,
                                   const Task& task) {
  require_spacing(spacing);
  if (pair.a.empty()) return {kNothing, kNothing, kNothing};
  const auto surface_a = surface_voxels(pair.a, pair.shape, task),
             surface_b = surface_voxels(pair.b, pair.shape, task);
  if (surface_a.empty() || surface_b.empty()) return {kInfinity, kInfinity, kInfinity};
  std::vector<double> all = nearest_distances(pair.shape, spacing, surface_b, surface_a, task);
  const std::vector<double> back = nearest_distances(pair.shape, spacing, surface_a, surface_b, task);
  SurfaceDistances distances;
  distances.average = (mean(all) + mean(back)) / 2;
  all.insert(all.end(), back.begin(), back.end());
  distances.hausdorff = *std::max_element(all.begin(), all.end());
  distances.hausdorff95 = percentile(all, 95);
  return distances;
}

double surface_dice(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b, const Index3& shape,
                    const std::array<double, 3>& spacing, double tolerance, const Task& task) {
  return surface_dice(crop_pair(a, b, shape, task), spacing, tolerance, task);
}

double surface_dice(const MaskPair& pair, const std::array<double, 3>& spacing, double tolerance,
                    const Task& task) {
  require_spacing(spacing);
  if (!(tolerance >= 0)) {
    throw Error(ErrorCode::kBadArgument,
                "A tolerance of " + std::to_string(tolerance) + " mm is not valid: it must be 0 or more.");
  }
  if (pair.a.empty()) return kNothing;
  const auto areas = surfel_areas(spacing);
  const Surfels surface_a = surfels(pair.a, pair.shape, areas, task),
                surface_b = surfels(pair.b, pair.shape, areas, task);
  if (surface_a.cells.empty() || surface_b.cells.empty()) return 0;
  const auto from_a = nearest_distances(pair.shape, spacing, surface_b.cells, surface_a.cells, task);
  const auto from_b = nearest_distances(pair.shape, spacing, surface_a.cells, surface_b.cells, task);
  return (area_within(surface_a, from_a, tolerance) + area_within(surface_b, from_b, tolerance)) /
         (area(surface_a) + area(surface_b));
}

}  // namespace medlsam
