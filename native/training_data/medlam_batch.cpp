#include "training_data/medlam_batch.hpp"

#include <algorithm>
#include <cstddef>

#include "training_data/augment.hpp"

namespace medlsam::training {
namespace {

constexpr int kTries = 20;
constexpr std::int64_t kMargin = 8;  // of a crop around its patch, on every side
constexpr auto kMillimetres = static_cast<float>(kGridSpacing);

Index3 draw_center(const Scan& scan, const Foreground& foreground, Random& random) {
  Index3 center{};
  for (int i = 0; i < kTries; ++i) {
    for (int a = 0; a < 3; ++a) center[a] = random.below(scan.shape()[a]);
    if (scan.at(center) >= foreground.center) break;
  }
  return center;
}

void append(std::vector<float>& all, const std::vector<float>& some) {
  all.insert(all.end(), some.begin(), some.end());
}

// The patch at [begin, begin + patch) of a crop.
std::vector<float> cut(const std::vector<float>& crop, std::int64_t crop_edge, const Index3& begin,
                       std::int64_t patch) {
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(patch * patch * patch));
  for (std::int64_t z = 0; z < patch; ++z) {
    for (std::int64_t y = 0; y < patch; ++y) {
      const auto row = crop.begin() + ((z + begin[0]) * crop_edge + y + begin[1]) * crop_edge + begin[2];
      values.insert(values.end(), row, row + patch);
    }
  }
  return values;
}

// Draws a patch of the scan into `side` and returns where the clean one begins in the scan.
Index3 draw_patch(const Scan& scan, std::int64_t patch, const Foreground& foreground, bool augmented_too,
                  Side& side, Random& random) {
  const std::int64_t edge = patch + 2 * kMargin;
  Index3 crop_begin = draw_center(scan, foreground, random), begin;
  for (std::int64_t& index : crop_begin) index -= edge / 2;
  for (std::int64_t& index : begin) index = random.below(2 * kMargin + 1);
  std::vector<float> crop = scan.block(crop_begin, edge);
  append(side.clean, cut(crop, edge, begin, patch));
  const Augmented augmented =
      augmented_too ? augment(std::move(crop), edge, patch, random) : skip_augmentation(edge, patch, random);
  append(side.augmented, augmented.values);
  const std::size_t voxels = augmented.values.size();
  for (std::size_t i = 0; i < augmented.positions.size(); ++i) {
    side.positions.push_back(kMillimetres *
                             (augmented.positions[i] + static_cast<float>(crop_begin[i / voxels])));
  }
  for (int a = 0; a < 3; ++a) begin[a] += crop_begin[a];
  return begin;
}

// Points that are foreground in half of the patches at least, if 20 tries find such.
void draw_points(std::span<const Index3> begins, std::int64_t patch, const Foreground& foreground, Side& side,
                 Random& random) {
  const auto voxels = static_cast<std::size_t>(patch * patch * patch);
  for (std::int64_t k = 0; k < kPoints; ++k) {
    Index3 point{};
    for (int i = 0; i < kTries; ++i) {
      for (std::int64_t& index : point) index = random.below(patch);
      const auto voxel = static_cast<std::size_t>((point[0] * patch + point[1]) * patch + point[2]);
      std::size_t shown = 0;
      for (std::size_t n = 0; n < begins.size(); ++n)
        shown += side.clean[n * voxels + voxel] >= foreground.point ? 1 : 0;
      if (2 * shown >= begins.size()) break;
    }
    side.points.insert(side.points.end(), point.begin(), point.end());
  }
  for (const Index3& begin : begins) {
    for (std::size_t i = 0; i < side.points.size(); ++i)
      side.point_positions.push_back(kMillimetres * static_cast<float>(begin[i % 3] + side.points[i]));
  }
}

void append_offsets(const std::array<std::vector<Index3>, 2>& begins, Batch& batch) {
  for (std::size_t n = 0; n < begins[0].size(); ++n) {
    for (std::size_t a = 0; a < 3; ++a)
      batch.offsets.push_back(kMillimetres * static_cast<float>(begins[0][n][a] - begins[1][n][a]));
  }
}

const Scan& draw_scan(std::span<const Scan> scans, Random& random) {
  return scans[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(scans.size())))];
}

}  // namespace

Foreground foreground_from_hu(double hu) {
  const float least = map_hu(hu);
  const Foreground published;
  return {std::max(least, published.center), std::max(least, published.point)};
}

Batch draw_batch(std::span<const Scan> scans, std::int64_t size, std::int64_t patch, Random random,
                 const Foreground& foreground, const std::function<bool(std::int64_t)>& wanted) {
  Batch batch;
  std::array<std::vector<Index3>, 2> begins;
  for (std::int64_t n = 0; n < size; ++n) {
    const Scan& scan = draw_scan(scans, random);
    for (std::size_t s = 0; s < 2; ++s)
      begins[s].push_back(draw_patch(scan, patch, foreground, wanted(n), batch.sides[s], random));
  }
  append_offsets(begins, batch);
  for (std::size_t s = 0; s < 2; ++s) draw_points(begins[s], patch, foreground, batch.sides[s], random);
  return batch;
}

Batch draw_clean_batch(std::span<const Scan> scans, std::int64_t size, std::int64_t patch, Random random,
                       const Foreground& foreground) {
  Batch batch;
  std::array<std::vector<Index3>, 2> begins;
  for (std::int64_t n = 0; n < size; ++n) {
    const Scan& scan = draw_scan(scans, random);
    for (std::size_t s = 0; s < 2; ++s) {
      Index3 begin = draw_center(scan, foreground, random);
      for (std::int64_t& index : begin) index -= patch / 2;
      append(batch.sides[s].clean, scan.block(begin, patch));
      begins[s].push_back(begin);
    }
  }
  append_offsets(begins, batch);
  return batch;
}

}  // namespace medlsam::training
