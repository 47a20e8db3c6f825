#include "localization/annotations/physical_points.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.hpp"
#include "localization/annotations/points.hpp"
#include "localization/grid/grid_map.hpp"

namespace medlsam {
namespace {

// The shortest text that reads as the same number.
std::string text(double value) {
  std::array<char, 32> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc() ? std::string(digits.data(), end) : std::to_string(value);
}

// Farther than the outer face of the scan's last voxel may be, which lies half a voxel beyond its center.
bool is_outside(const std::array<double, 3>& place, const Index3& grid_shape) {
  for (int a = 0; a < 3; ++a) {
    const double first = static_cast<double>(kGridPadding),
                 last = static_cast<double>(grid_shape[a]) - first - 1;
    if (!(place[a] >= first - 1 && place[a] <= last + 1)) return true;
  }
  return false;
}

Index3 on_grid(const PhysicalPoints& given, std::size_t index, const Grid& grid) {
  const auto& lps = given.points[index];
  auto place = from_physical(grid, lps);
  for (double& coordinate : place) coordinate = std::nearbyint(coordinate);
  if (is_outside(place, grid.shape)) {
    throw Error(ErrorCode::kBadAnnotation,
                "Organ \"" + given.organ + "\", part " + std::to_string(index / kPointsPerPart) +
                    ": the point [" + text(lps[0]) + ", " + text(lps[1]) + ", " + text(lps[2]) +
                    "] (LPS mm) lies outside the image. Is the coordinate system (LPS or RAS) right, and is "
                    "this the scan it was placed in?");
  }
  return {static_cast<std::int64_t>(place[0]), static_cast<std::int64_t>(place[1]),
          static_cast<std::int64_t>(place[2])};
}

}  // namespace

std::vector<Index3> points_on_grid(const PhysicalPoints& given, const Grid& grid) {
  std::vector<Index3> points;
  for (std::size_t first = 0; first < given.points.size(); first += kPointsPerPart) {
    std::array<Index3, kPointsPerPart> part;
    for (std::size_t i = 0; i < kPointsPerPart; ++i) part[i] = on_grid(given, first + i, grid);
    const auto below = [](int axis) {
      return [axis](const Index3& a, const Index3& b) { return a[axis] < b[axis]; };
    };
    for (int a = 0; a < 3; ++a) points.push_back(*std::min_element(part.begin(), part.end(), below(a)));
    for (int a = 0; a < 3; ++a) points.push_back(*std::max_element(part.begin(), part.end(), below(a)));
  }
  return points;
}

}  // namespace medlsam
