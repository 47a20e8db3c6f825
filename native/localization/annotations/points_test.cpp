#include "localization/annotations/points.hpp"

#include <doctest/doctest.h>

namespace medlsam {
namespace {

const Task kTask{.threads = 1, .cancelled = nullptr, .on_progress = nullptr};

LabelGrid empty_grid(const Index3& shape) {
  return {shape, std::vector<std::uint16_t>(static_cast<std::size_t>(shape[0] * shape[1] * shape[2]), 0)};
}

void fill(LabelGrid& grid, const Index3& from, const Index3& to, std::uint16_t label) {
  for (std::int64_t z = from[0]; z <= to[0]; ++z) {
    for (std::int64_t y = from[1]; y <= to[1]; ++y) {
      for (std::int64_t x = from[2]; x <= to[2]; ++x)
        grid.labels[(z * grid.shape[1] + y) * grid.shape[2] + x] = label;
    }
  }
}

TEST_CASE("a box's six points lie in the middle of its faces") {
  LabelGrid grid = empty_grid({20, 20, 20});
  fill(grid, {3, 4, 5}, {13, 10, 17}, 9);
  const auto points = whole_points(grid, label_extents(grid, kTask).at(0));
  CHECK(points[0] == Index3{3, 7, 11});
  CHECK(points[1] == Index3{8, 4, 11});
  CHECK(points[2] == Index3{8, 7, 5});
  CHECK(points[3] == Index3{13, 7, 11});
  CHECK(points[4] == Index3{8, 10, 11});
  CHECK(points[5] == Index3{8, 7, 17});
}

TEST_CASE("an organ of one voxel has six equal points") {
  LabelGrid grid = empty_grid({5, 5, 5});
  fill(grid, {2, 3, 4}, {2, 3, 4}, 1);
  for (const auto& point : whole_points(grid, label_extents(grid, kTask).at(0)))
    CHECK(point == Index3{2, 3, 4});
}

TEST_CASE("parts: the exact convention keeps the last slice, the reference loses it") {
  LabelGrid grid = empty_grid({20, 20, 20});
  fill(grid, {2, 8, 8}, {9, 10, 10}, 1);
  fill(grid, {10, 2, 2}, {10, 17, 17}, 1);  // only the last slice is wide
  const auto extent = label_extents(grid, kTask).at(0);
  const auto exact = part_points(grid, extent, 2, Conventions::kExact);
  const auto reference = part_points(grid, extent, 2, Conventions::kReference);
  REQUIRE(exact.size() == 2);
  CHECK(exact[1][1][1] == 2);  // min y of the upper part, wide slice included
  CHECK(reference[1][1][1] == 8);
  CHECK(exact[0][3][0] == 6);  // parts meet where they are cut
  CHECK(exact[1][0][0] == 6);
  CHECK(exact[1][3][0] == 10);
}

TEST_CASE("parts: exact y and x faces lie in the part") {
  LabelGrid grid = empty_grid({20, 20, 20});
  fill(grid, {2, 5, 2}, {7, 6, 4}, 1);
  fill(grid, {8, 5, 12}, {14, 6, 15}, 1);
  const auto extent = label_extents(grid, kTask).at(0);
  const auto exact = part_points(grid, extent, 2, Conventions::kExact);
  // y = 5 is reached in both parts; the lower part's point must be where the lower part is.
  CHECK(exact[0][1][2] <= 4);
  CHECK(exact[1][1][2] >= 12);
}

TEST_CASE("an empty part takes the box of the part before it") {
  LabelGrid grid = empty_grid({40, 10, 10});
  fill(grid, {2, 2, 2}, {5, 4, 4}, 1);
  fill(grid, {32, 6, 6}, {34, 8, 8}, 1);
  const auto extent = label_extents(grid, kTask).at(0);
  const auto points = part_points(grid, extent, 4, Conventions::kReference);
  REQUIRE(points.size() == 4);
  CHECK(points[1][1][1] == points[0][1][1]);
  CHECK(points[1][0] == Index3{10, 7, 7});  // the bound kept, in-plane from the first slice above
}

TEST_CASE("points of several organs follow one another, whole and cut") {
  LabelGrid grid = empty_grid({20, 20, 20});
  fill(grid, {3, 4, 5}, {13, 10, 17}, 9);
  fill(grid, {15, 2, 2}, {18, 4, 4}, 2);
  const auto extents = label_extents(grid, kTask);
  const std::vector<LabelledOrgan> organs = {{9, 2, true}, {2, 1, false}, {9, 1, true}};
  for (const Conventions conventions : {Conventions::kExact, Conventions::kReference}) {
    std::vector<Index3> expected;
    for (const auto& part : part_points(grid, extents[1], 2, conventions))
      expected.insert(expected.end(), part.begin(), part.end());
    const auto whole = whole_points(grid, extents[0]);
    expected.insert(expected.end(), whole.begin(), whole.end());
    const auto once = part_points(grid, extents[1], 1, conventions).at(0);
    expected.insert(expected.end(), once.begin(), once.end());
    CHECK(annotation_points(grid, organs, conventions, kTask) == expected);
  }
  const std::vector<LabelledOrgan> missing = {{5, 1, false}};
  CHECK_THROWS_AS(annotation_points(grid, missing, Conventions::kExact, kTask), Error);
}

}  // namespace
}  // namespace medlsam
