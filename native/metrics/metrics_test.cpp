#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "metrics/nearest.hpp"
#include "metrics/overlap.hpp"
#include "metrics/surface_distances.hpp"
#include "metrics/surfaces.hpp"
#include "testing/segmentation_data.hpp"

using namespace medlsam;
using namespace medlsam::test;

namespace {

using Mask = std::vector<std::uint8_t>;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
const Task kTwoThreads = two_threads();

doctest::Approx exactly(double value) {
  return doctest::Approx(value).epsilon(1e-9);
}

// A box of foreground [min, max].
Mask filled(const Index3& shape, const Index3& min, const Index3& max) {
  Mask mask(shape[0] * shape[1] * shape[2]);
  for (auto z = min[0]; z <= max[0]; ++z) {
    for (auto y = min[1]; y <= max[1]; ++y) {
      for (auto x = min[2]; x <= max[2]; ++x) mask[(z * shape[1] + y) * shape[2] + x] = 1;
    }
  }
  return mask;
}

double brute_distance(const Index3& shape, const std::array<double, 3>& spacing, std::int64_t from,
                      const std::vector<std::int64_t>& sites) {
  const auto place = [&](std::int64_t offset, int axis) {
    const std::int64_t plane = shape[1] * shape[2];
    const std::int64_t at = axis == 0   ? offset / plane
                            : axis == 1 ? offset % plane / shape[2]
                                        : offset % shape[2];
    return static_cast<double>(at) * spacing[axis];
  };
  double best = kInfinity;
  for (std::int64_t site : sites) {
    best = std::min(best, std::hypot(place(site, 0) - place(from, 0), place(site, 1) - place(from, 1),
                                     place(site, 2) - place(from, 2)));
  }
  return best;
}

}  // namespace

TEST_CASE("metrics: the conformance masks and boxes") {  // the values of expected.json
  const Checkpoint answers = open_checkpoint(CONFORMANCE_DIR "/metrics/masks.safetensors");
  const auto a = values_of<std::uint8_t>(answers, "a"), b = values_of<std::uint8_t>(answers, "b");
  const Index3 shape = {24, 30, 28};
  const std::array<double, 3> spacing = {2.5, 1.2, 0.9};
  CHECK(dice(a, b) == exactly(0.8366666666666667));
  const SurfaceDistances distances = surface_distances(a, b, shape, spacing, kTwoThreads);
  CHECK(distances.hausdorff == exactly(12.14084016862095));
  CHECK(distances.hausdorff95 == exactly(2.5));
  CHECK(distances.average == exactly(1.2272465676574207));
  CHECK(std::abs(surface_dice(a, b, shape, spacing, 2, kTwoThreads) - 0.8778855909113057) < 5e-4);

  const VoxelBox box_a{{3, 4, 5}, {20, 25, 30}}, box_b{{4, 2, 6}, {18, 27, 33}};
  CHECK(box_iou(box_a, box_b) == exactly(0.6233766233766234));
  // One axis after the other: 3.75, 2.4 and 1.8 mm.
  CHECK(wall_distance(box_a, box_b, {spacing[0], 0, 0}) == exactly(3.75 / 3));
  CHECK(wall_distance(box_a, box_b, {0, spacing[1], 0}) == exactly(2.4 / 3));
  CHECK(wall_distance(box_a, box_b, {0, 0, spacing[2]}) == exactly(1.8 / 3));
  CHECK(wall_distance(box_a, box_b, spacing) == exactly(2.65));
}

TEST_CASE("metrics: boxes apart, without volume, upside down") {
  const VoxelBox box{{0, 0, 0}, {4, 4, 4}}, far{{9, 0, 0}, {12, 4, 4}}, flat{{2, 0, 0}, {2, 4, 4}};
  CHECK(box_iou(box, box) == 1);
  CHECK(box_iou(box, far) == 0);
  CHECK(box_iou(box, flat) == 0);
  CHECK(std::isnan(box_iou(flat, flat)));
  check_refused([&] { box_iou(box, {{0, 5, 0}, {4, 4, 4}}); }, "from 5 to 4 along stored y");
  check_refused([&] { wall_distance({{0, 0, 5}, {4, 4, 4}}, box, {1, 1, 1}); }, "along stored x");
}

TEST_CASE("metrics: Dice of masks that count any value but 0") {
  CHECK(dice(Mask{0, 1, 7, 255}, Mask{0, 0, 1, 1}) == exactly(0.8));
  CHECK(dice(Mask{0, 1}, Mask{0, 0}) == 0);
  CHECK(std::isnan(dice(Mask{0, 0}, Mask{0, 0})));
  const Mask large(100000, 1);  // beyond one block of the count
  CHECK(dice(large, large) == 1);
  check_refused([] { dice(Mask(3), Mask(4)); }, "3 and 4 voxels");
}

TEST_CASE("metrics: distances are those of all pairs") {
  std::mt19937 random(7);
  for (const Index3& shape :
       {Index3{1, 1, 1}, Index3{1, 9, 1}, Index3{6, 7, 40}, Index3{13, 5, 11}, Index3{40, 1, 3}}) {
    const std::int64_t voxels = shape[0] * shape[1] * shape[2];
    const std::array<double, 3> spacing = {2.5, 0.7, 1.3};
    for (int number : {1, 2, 30}) {
      std::vector<std::int64_t> sites(number), queries(voxels);
      for (auto& site : sites) site = static_cast<std::int64_t>(random() % voxels);
      for (std::int64_t i = 0; i < voxels; ++i) queries[i] = i;
      const auto distances = nearest_distances(shape, spacing, sites, queries, kTwoThreads);
      for (std::int64_t i = 0; i < voxels; ++i) {
        REQUIRE(distances[i] == exactly(brute_distance(shape, spacing, i, sites)));
      }
    }
  }
  CHECK(nearest_distances({1, 1, 2}, {1, 1, 1}, {}, std::vector<std::int64_t>{1}, {}) ==
        std::vector{kInfinity});
}

TEST_CASE("metrics: single voxels, and masks at the volume's border") {
  const Index3 shape = {4, 5, 6};
  const std::array<double, 3> spacing = {3, 2, 1};
  const Mask corner = filled(shape, {0, 0, 0}, {0, 0, 0}), opposite = filled(shape, {3, 4, 5}, {3, 4, 5});
  const SurfaceDistances apart = surface_distances(corner, opposite, shape, spacing, {});
  const double diagonal = std::sqrt(9. * 9 + 8 * 8 + 5 * 5);
  CHECK(apart.hausdorff == exactly(diagonal));
  CHECK(apart.hausdorff95 == exactly(diagonal));
  CHECK(apart.average == exactly(diagonal));
  const double nearest_cells = std::sqrt(6. * 6 + 6 * 6 + 4 * 4);
  CHECK(surface_dice(corner, opposite, shape, spacing, nearest_cells - 0.01, {}) == 0);
  CHECK(surface_dice(corner, opposite, shape, spacing, nearest_cells + 0.01, {}) == exactly(1.0 / 8));
  CHECK(surface_dice(corner, opposite, shape, spacing, diagonal + 0.01, {}) == 1);

  // A full volume's surface is its outermost voxels; 2 × 3 × 4 are inside.
  const Mask full = filled(shape, {0, 0, 0}, {3, 4, 5});
  const MaskPair pair = crop_pair(full, full, shape, {});
  CHECK(pair.shape == Index3{6, 7, 8});
  CHECK(surface_voxels(pair.a, pair.shape, {}).size() == 4 * 5 * 6 - 2 * 3 * 4);
  const SurfaceDistances same = surface_distances(full, full, shape, spacing, {});
  CHECK(same.hausdorff == 0);
  CHECK(same.average == 0);
  CHECK(surface_dice(full, full, shape, spacing, 0, {}) == 1);
}

TEST_CASE("metrics: one way's outlier counts as the definition says") {
  // 40 voxels in a row against the same row and one voxel 10 mm off its end.
  const Index3 shape = {1, 1, 60};
  const Mask row = filled(shape, {0, 0, 0}, {0, 0, 39});
  Mask with_outlier = row;
  with_outlier[49] = 1;
  const SurfaceDistances distances = surface_distances(row, with_outlier, shape, {1, 1, 1}, {});
  CHECK(distances.hausdorff == 10);
  CHECK(distances.hausdorff95 == 0);  // 80 of 81 distances are 0
  CHECK(distances.average == exactly(10.0 / 41 / 2));
}

TEST_CASE("metrics: empty masks") {
  const Index3 shape = {2, 3, 4};
  const Mask none(24), some = filled(shape, {0, 0, 0}, {1, 1, 1});
  for (bool swapped : {false, true}) {
    const Mask &a = swapped ? some : none, &b = swapped ? none : some;
    const SurfaceDistances distances = surface_distances(a, b, shape, {1, 1, 1}, {});
    CHECK(distances.hausdorff == kInfinity);
    CHECK(distances.hausdorff95 == kInfinity);
    CHECK(distances.average == kInfinity);
    CHECK(surface_dice(a, b, shape, {1, 1, 1}, 2, {}) == 0);
  }
  const SurfaceDistances nothing = surface_distances(none, none, shape, {1, 1, 1}, {});
  CHECK(std::isnan(nothing.hausdorff));
  CHECK(std::isnan(nothing.hausdorff95));
  CHECK(std::isnan(nothing.average));
  CHECK(std::isnan(surface_dice(none, none, shape, {1, 1, 1}, 2, {})));
}

TEST_CASE("metrics: areas of the surface between voxels") {
  const auto areas = surfel_areas({3, 2, 1});
  CHECK(areas[0] == 0);
  CHECK(areas[255] == 0);
  CHECK(areas[0b00001111] == exactly(2));  // z = 0 in, z = 1 out: a whole face
  CHECK(areas[0b00110011] == exactly(3));
  CHECK(areas[0b01010101] == exactly(6));
  // One corner: the triangle through the middles of its edges, at 1.5, 1 and 0.5.
  const double triangle = std::sqrt(1.5 * 1.5 * 1 + 1 * 0.25 + 1.5 * 1.5 * 0.25) / 2;
  CHECK(areas[0b00000001] == exactly(triangle));
  CHECK(areas[0b01111111] == exactly(triangle));
  CHECK(areas[0b10000001] == exactly(2 * triangle));  // opposite corners: apart
  CHECK(areas[0b00001001] == exactly(2 * triangle));  // diagonal on a face: apart
  for (unsigned code = 1; code < 255; ++code) CHECK(areas[code] > 0);
}

TEST_CASE("metrics: what cannot be compared") {
  const Index3 shape = {2, 3, 4};
  const Mask mask(24), other(23);
  check_refused([&] { surface_distances(mask, other, shape, {1, 1, 1}, {}); }, "24 and 23 voxels");
  check_refused([&] { surface_distances(mask, mask, {2, 3, 5}, {1, 1, 1}, {}); }, "grid of 30");
  check_refused([&] { surface_distances(mask, mask, {24, 1, 0}, {1, 1, 1}, {}); }, "axis of 0");
  check_refused([&] { surface_distances(mask, mask, {1, 1, 70000}, {1, 1, 1}, {}); }, "axis of 70000");
  check_refused([&] { surface_distances(mask, mask, shape, {1, 0, 1}, {}); }, "positive");
  check_refused([&] { surface_dice(mask, mask, shape, {1, std::nan(""), 1}, 2, {}); }, "positive");
  check_refused([&] { surface_dice(mask, mask, shape, {1, 1, 1}, -1, {}); }, "tolerance");
}
