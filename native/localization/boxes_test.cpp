#include "localization/boxes.hpp"

#include <doctest/doctest.h>

namespace medlsam {
namespace {

// 20, 30 and 40 points of scan in the padding.
constexpr Index3 kShape = {84, 94, 104};
constexpr Index3 kLast = {19, 29, 39};

Index3 padded(Index3 point) {
  for (std::int64_t& value : point) value += kGridPadding;
  return point;
}

// Six points whose box is [min, max], counted from the scan's first point.
std::vector<Index3> points(const Index3& min, const Index3& max) {
  return {padded(min), padded(min), padded(min), padded(max), padded(max), padded(max)};
}

// A grid of a volume of 3 mm voxels, stored in LAS order.
Grid grid_of(Conventions conventions) {
  Grid grid;
  grid.shape = kShape;
  grid.las_shape = grid.stored_shape = {20, 30, 40};
  grid.zoom = {1, 1, 1};
  grid.orientation.stored_axis = {0, 1, 2};
  grid.conventions = conventions;
  return grid;
}

void check_box(const VoxelBox& box, const Index3& min, const Index3& max) {
  CHECK(box.min == min);
  CHECK(box.max == max);
}

}  // namespace

TEST_CASE("margin: the least way, in mm, that the box reaches in from a side") {
  CHECK(margin_in_scan(points({-5, 5, 5}, {4, 20, 20}), kShape) == 3 * 4);
  CHECK(margin_in_scan(points({2, 5, 33}, {18, 20, 60}), kShape) == 3 * static_cast<double>(kLast[2] - 33));
}

TEST_CASE("margin: 0 for a box that has the scan's last points only, and negative beyond") {
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const auto margin_at = [&](std::int64_t low, std::int64_t high) {
      Index3 min = {5, 5, 5}, max = {9, 9, 9};
      min[axis] = low;
      max[axis] = high;
      return margin_in_scan(points(min, max), kShape);
    };
    const std::int64_t end = kLast[axis];
    CHECK(margin_at(-9, 0) == 0);
    CHECK(margin_at(end, end + 9) == 0);
    CHECK(margin_at(-9, -2) == -6);
    CHECK(margin_at(end + 5, end + 9) == -15);
  }
}

TEST_CASE("margin: that of the box around all parts") {
  auto parts = points({-9, 5, 5}, {-6, 9, 9});
  for (const Index3& point : points({-6, 5, 5}, {3, 9, 9})) parts.push_back(point);
  CHECK(margin_in_scan(parts, kShape) == 9);
}

TEST_CASE("cut walls: walls stay where they were found that were placed inside the scan") {
  const auto searched = points({6, 6, 6}, {14, 24, 34});
  CHECK(keep_cut_walls(searched, points({4, 5, 9}, {15, 20, 35}), kShape) == searched);
}

TEST_CASE("cut walls: those placed outside or less than 12 mm inside stay there, each on its own") {
  const auto searched = points({6, 6, 6}, {14, 24, 34});
  auto expected = searched;
  expected[0][0] = kGridPadding - 8;
  expected[1][1] = kGridPadding + 3;
  expected[4][1] = kGridPadding + 40;
  expected[5][2] = kGridPadding + 36;
  CHECK(keep_cut_walls(searched, points({-8, 3, 9}, {15, 40, 36}), kShape) == expected);
}

TEST_CASE("boxes: each bound comes from its own point, and exact ones are clipped to the volume") {
  std::vector<Index3> found(6, padded({99, 99, 99}));
  for (std::size_t i = 0; i < 6; ++i) found[i][i % 3] = kGridPadding + static_cast<std::int64_t>(2 * i);
  check_box(stored_box(found, grid_of(Conventions::kExact)), {0, 2, 4}, {6, 8, 10});
  const auto outside = points({-7, 3, 35}, {5, 31, 44});
  check_box(stored_box(outside, grid_of(Conventions::kExact)), {0, 3, 35}, {5, 29, 39});
  check_box(stored_box(outside, grid_of(Conventions::kReference)), {-7, 3, 35}, {5, 31, 44});
}

TEST_CASE("boxes: flipped and exchanged axes, and bounds found in the wrong order") {
  Grid grid = grid_of(Conventions::kExact);
  grid.orientation.stored_axis = {2, 0, 1};  // LAS z runs along stored x, and so on
  grid.orientation.flipped = {true, false, false};
  grid.stored_shape = {30, 40, 20};
  check_box(stored_box(points({2, 20, 6}, {12, 5, 9}), grid), {5, 6, 7}, {20, 9, 17});
}

TEST_CASE("boxes: halves of a voxel round up where exact, to the even voxel by the reference") {
  Grid grid = grid_of(Conventions::kExact);
  grid.las_shape = grid.stored_shape = {10, 15, 20};
  grid.zoom = {2, 2, 2};
  grid.shape = {2 * 9 + 1 + 64, 2 * 14 + 1 + 64, 2 * 19 + 1 + 64};  // corner-aligned zoom 2 as well
  check_box(stored_box(points({1, 3, 5}, {7, 9, 11}), grid), {1, 2, 3}, {4, 5, 6});
  check_box(stored_box(points({-1, -3, -5}, {7, 9, 11}), grid), {0, 0, 0}, {4, 5, 6});
  grid.conventions = Conventions::kReference;
  check_box(stored_box(points({1, 3, 5}, {7, 9, 11}), grid), {0, 2, 2}, {4, 4, 6});
  check_box(stored_box(points({-1, -3, -5}, {7, 9, 11}), grid), {0, -2, -2}, {4, 4, 6});
}

TEST_CASE("boxes: the one around all") {
  const std::vector<VoxelBox> parts = {{{3, 4, 5}, {9, 9, 9}}, {{4, 2, 8}, {6, 12, 8}}};
  check_box(around(parts), {3, 2, 5}, {9, 12, 9});
}

TEST_CASE("boxes: those of a rectified copy come back to the tilted scan slice by slice") {
  Grid grid = grid_of(Conventions::kExact);
  REQUIRE(stored_boxes(points({2, 3, 4}, {6, 8, 10}), grid).size() == 1);
  // The copy of 20 × 30 × 40 voxels: rows shifted by −0.5 a slice, 10 put before the first.
  Rectification rectification;
  rectification.per_slice = {-0.5, 0};
  rectification.before = {10, 0};
  rectification.shape = grid.stored_shape;
  rectification.stored_shape = {20, 20, 40};
  grid.rectification = rectification;
  const auto boxes = stored_boxes(points({2, 12, 4}, {6, 17, 10}), grid);
  REQUIRE(boxes.size() == 5);
  check_box(boxes[0], {2, 3, 4}, {2, 8, 10});
  check_box(boxes[1], {3, 4, 4}, {3, 9, 10});
  check_box(boxes[4], {6, 5, 4}, {6, 10, 10});
  const auto clipped = stored_boxes(points({18, 20, 4}, {19, 29, 10}), grid);
  check_box(clipped[0], {18, 19, 4}, {18, 19, 10});
}

}  // namespace medlsam
