#include "localization/place.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "networks/medlam_weights.hpp"

namespace medlsam {
namespace {

using Point = std::array<double, 3>;  // mm, (z, y, x)

// Standard deviation of the survey's weights, mm. 40 to 80 mm gave the same results (bench/RESULTS.md).
constexpr double kNeighbourhood = 60;
// Largest argument of artanh: a patch cannot place a point farther away than r.
constexpr double kFarthest = 0.99;

// One of Landmarks, its center in mm.
struct Landmark {
  Point center, position;
};

Point to_mm(const Index3& point) {
  Point mm;
  for (int a = 0; a < 3; ++a) mm[a] = kGridSpacing * static_cast<double>(point[a]);
  return mm;
}

std::vector<Landmark> in_mm(const Landmarks& landmarks) {
  std::vector<Landmark> result(landmarks.centers.size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    result[i].center = to_mm(landmarks.centers[i]);
    std::copy_n(landmarks.positions.begin() + static_cast<std::ptrdiff_t>(3 * i), 3,
                result[i].position.begin());
  }
  return result;
}

Point place_from(const Landmark& patch, const float* position) {
  Point place;
  for (int a = 0; a < 3; ++a)
    place[a] = patch.center[a] + kReach[a] * std::tanh(position[a] - patch.position[a]);
  return place;
}

Point position_from(const Landmark& patch, const Point& point) {
  Point position;
  for (int a = 0; a < 3; ++a) {
    const double offset = std::clamp((point[a] - patch.center[a]) / kReach[a], -kFarthest, kFarthest);
    position[a] = patch.position[a] + std::atanh(offset);
  }
  return position;
}

Landmark mean_of(std::span<const Landmark> patches) {
  Landmark mean{};
  for (int a = 0; a < 3; ++a) {
    for (const Landmark& patch : patches) {
      mean.center[a] += patch.center[a];
      mean.position[a] += patch.position[a];
    }
    mean.center[a] /= static_cast<double>(patches.size());
    mean.position[a] /= static_cast<double>(patches.size());
  }
  return mean;
}

double squared_distance(const Point& a, const Point& b) {
  double sum = 0;
  for (int k = 0; k < 3; ++k) sum += (a[k] - b[k]) * (a[k] - b[k]);
  return sum;
}

// The nearest point of the scan without its padding, where all patches of the survey lie.
Point clamp_to_scan(const Point& point, const Index3& shape) {
  Point clamped;
  for (int a = 0; a < 3; ++a) {
    clamped[a] = std::clamp(point[a], kGridSpacing * kGridPadding,
                            kGridSpacing * static_cast<double>(shape[a] - kGridPadding - 1));
  }
  return clamped;
}

// The mean of `value` over all patches, weighted by their nearness to `point`.
template <class Value>
Point mean_near(std::span<const Landmark> survey, const Point& point, Value&& value) {
  double nearest = squared_distance(survey[0].center, point);
  for (const Landmark& patch : survey) nearest = std::min(nearest, squared_distance(patch.center, point));
  Point sum{};
  double weights = 0;
  for (const Landmark& patch : survey) {
    // Relative to the nearest patch, so that weights do not vanish for a point far from all patches.
    const double weight =
        std::exp((nearest - squared_distance(patch.center, point)) / (2 * kNeighbourhood * kNeighbourhood));
    const Point each = value(patch);
    for (int a = 0; a < 3; ++a) sum[a] += weight * each[a];
    weights += weight;
  }
  for (double& coordinate : sum) coordinate /= weights;
  return sum;
}

}  // namespace

std::vector<Index3> place_points(const Landmarks& query, const Landmarks& survey, const Index3& grid_shape,
                                 const Templates& templates, std::span<const std::int32_t> indices) {
  const Landmark middle = mean_of(in_mm(query));
  const std::vector<Landmark> surveyed = in_mm(survey);
  const std::vector<float> wanted = templates.positions();
  std::vector<Index3> points(indices.size());
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const float* position = wanted.data() + 3 * indices[i];
    Point place = place_from(middle, position);
    if (!surveyed.empty()) {
      place = mean_near(surveyed, clamp_to_scan(place, grid_shape),
                        [&](const Landmark& patch) { return place_from(patch, position); });
    }
    for (int a = 0; a < 3; ++a)
      points[i][a] = static_cast<std::int64_t>(std::nearbyint(place[a] / kGridSpacing));
  }
  return points;
}

std::vector<float> surveyed_positions(const Landmarks& survey, std::span<const Index3> points) {
  const std::vector<Landmark> surveyed = in_mm(survey);
  std::vector<float> positions;
  for (const Index3& at : points) {
    const Point point = to_mm(at);
    const Point position =
        mean_near(surveyed, point, [&](const Landmark& patch) { return position_from(patch, point); });
    positions.insert(positions.end(), position.begin(), position.end());
  }
  return positions;
}

}  // namespace medlsam
