#include "metrics/overlap.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "base/error.hpp"
#include "base/simd.hpp"

namespace medlsam {
namespace {

struct Counts {
  std::uint64_t a = 0, b = 0, both = 0;
};

MEDLSAM_INLINE Counts count_foreground(const std::uint8_t* a, const std::uint8_t* b, std::size_t voxels) {
  constexpr std::size_t kBlock = 255 * 64;  // 32-bit sums inside keep the loop's vectors full
  Counts total;
  for (std::size_t start = 0; start < voxels; start += kBlock) {
    std::uint32_t in_a = 0, in_b = 0, in_both = 0;
    for (std::size_t i = start; i < std::min(start + kBlock, voxels); ++i) {
      in_a += a[i] != 0;
      in_b += b[i] != 0;
      in_both += (a[i] != 0) & (b[i] != 0);
    }
    total.a += in_a;
    total.b += in_b;
    total.both += in_both;
  }
  return total;
}

void require_upright(const VoxelBox& box) {
  for (int a = 0; a < 3; ++a) {
    if (box.min[a] <= box.max[a]) continue;
    throw Error(ErrorCode::kBadArgument, "A box runs from " + std::to_string(box.min[a]) + " to " +
                                             std::to_string(box.max[a]) + " along stored " + "zyx"[a] +
                                             ": its bounds are exchanged.");
  }
}

}  // namespace

double dice(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  if (a.size() != b.size()) {
    throw Error(ErrorCode::kBadArgument, "Masks of " + std::to_string(a.size()) + " and " +
                                             std::to_string(b.size()) +
                                             " voxels cannot be compared: they must lie on the same grid.");
  }
  const Counts counts = run_simd<count_foreground>(a.data(), b.data(), a.size());
  if (counts.a + counts.b == 0) return std::numeric_limits<double>::quiet_NaN();
  return 2 * static_cast<double>(counts.both) / static_cast<double>(counts.a + counts.b);
}

double box_iou(const VoxelBox& a, const VoxelBox& b) {
  require_upright(a);
  require_upright(b);
  double volume_a = 1, volume_b = 1, common = 1;
  for (int i = 0; i < 3; ++i) {
    volume_a *= static_cast<double>(a.max[i] - a.min[i]);
    volume_b *= static_cast<double>(b.max[i] - b.min[i]);
    common *= static_cast<double>(
        std::max<std::int64_t>(0, std::min(a.max[i], b.max[i]) - std::max(a.min[i], b.min[i])));
  }
  return common / (volume_a + volume_b - common);
}

double wall_distance(const VoxelBox& a, const VoxelBox& b, const std::array<double, 3>& spacing) {
  require_upright(a);
  require_upright(b);
  std::array<double, 3> distances;  // means of two walls along each axis
  for (int i = 0; i < 3; ++i) {
    const std::int64_t apart = std::abs(a.min[i] - b.min[i]) + std::abs(a.max[i] - b.max[i]);
    distances[i] = static_cast<double>(apart) * spacing[i] / 2;
  }
  return (distances[0] + distances[1] + distances[2]) / 3;
}

}  // namespace medlsam
