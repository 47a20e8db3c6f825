#include "localization/query.hpp"

#include <cmath>
#include <string>

#include "base/error.hpp"
#include "base/random.hpp"

namespace medlsam {
namespace {

constexpr std::size_t kCenters = 10;
constexpr int kReachVoxels = 10;  // largest distance of a center from the middle of the padded grid
constexpr double kAir = 0.001;    // lower values are air
constexpr int kAttempts = 1000;

Index3 draw(const Index3& shape, Mulberry32& random) {
  Index3 center;
  for (int a = 0; a < 3; ++a) {
    center[a] = shape[a] / 2 - kReachVoxels +
                static_cast<std::int64_t>(std::floor(random.uniform() * 2 * kReachVoxels));
  }
  return center;
}

std::string text(const Index3& point) {
  return '[' + std::to_string(point[0]) + ", " + std::to_string(point[1]) + ", " + std::to_string(point[2]) +
         ']';
}

}  // namespace

std::vector<Index3> draw_query_centers(const Grid& grid, std::uint32_t seed) {
  Mulberry32 random(seed);
  std::vector<Index3> centers;
  for (int attempt = 0; centers.size() < kCenters && attempt < kAttempts; ++attempt) {
    const Index3 center = draw(grid.shape, random);
    if (static_cast<double>(grid.at(center)) >= kAir) centers.push_back(center);
  }
  if (centers.size() < kCenters) {
    throw Error(ErrorCode::kBadVolume,
                "Within 10 voxels (30 mm) of the middle of the scan there is almost only air, so no place to "
                "look from was found. Crop the scan to the patient, or give query centres.");
  }
  return centers;
}

void check_query_centers(std::span<const Index3> centers, const Grid& grid) {
  Index3 first, last;
  for (int a = 0; a < 3; ++a) {
    first[a] = kGridPadding;
    last[a] = grid.shape[a] - kGridPadding - 1;
  }
  for (std::size_t i = 0; i < centers.size(); ++i) {
    for (int a = 0; a < 3; ++a) {
      if (centers[i][a] >= first[a] && centers[i][a] <= last[a]) continue;
      throw Error(ErrorCode::kBadArgument, "Query centre " + std::to_string(i) + " is " + text(centers[i]) +
                                               "; centres are [z, y, x] on the padded grid, here from " +
                                               text(first) + " to " + text(last) + '.');
    }
  }
}

}  // namespace medlsam
