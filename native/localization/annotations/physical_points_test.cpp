#include "localization/annotations/physical_points.hpp"

#include <doctest/doctest.h>

namespace medlsam {
namespace {

// 20 points each way of 3 mm voxels in LAS order; the first voxel's center is at the patient's origin.
Grid grid_at_origin() {
  Grid grid;
  grid.shape = {84, 84, 84};
  grid.las_shape = grid.stored_shape = {20, 20, 20};
  grid.zoom = {1, 1, 1};
  grid.orientation.stored_axis = {0, 1, 2};
  grid.affine = {-3, 0, 0, 0, 0, 3, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1};
  return grid;
}

// A grid index in LPS mm: x runs to the left, y to the front.
std::array<double, 3> lps(double z, double y, double x) {
  return {3 * x, -3 * y, 3 * z};
}

}  // namespace

TEST_CASE("physical points: each bound is the extreme one of six in any order, rounded") {
  PhysicalPoints given;
  given.organ = "liver";
  given.points = {lps(5, 5, 9.4), lps(5, 2, 5), lps(9.2, 5, 5), lps(1, 5.1, 5), lps(5, 8, 5), lps(5, 5, 1.6)};
  const auto points = points_on_grid(given, grid_at_origin());
  const std::int64_t p = kGridPadding;
  CHECK(points == std::vector<Index3>{{p + 1, p + 5, p + 5},
                                      {p + 5, p + 2, p + 5},
                                      {p + 5, p + 5, p + 2},
                                      {p + 9, p + 5, p + 5},
                                      {p + 5, p + 8, p + 5},
                                      {p + 5, p + 5, p + 9}});
}

TEST_CASE("physical points: one outside the scan is named") {
  PhysicalPoints given;
  given.organ = "liver";
  given.points.assign(12, lps(5, 5, 5));
  given.points[7] = lps(5, 5, 20);  // on the outermost voxel's face or so: let through
  CHECK_NOTHROW(points_on_grid(given, grid_at_origin()));
  for (const auto& outside : {lps(5, 5, 21), lps(5, -2, 5), std::array<double, 3>{1e300, 0, 0}}) {
    given.points[7] = outside;
    try {
      points_on_grid(given, grid_at_origin());
      FAIL("a point outside the scan was accepted");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::kBadAnnotation);
      const std::string message = error.what();
      CHECK_MESSAGE(message.find("Organ \"liver\", part 1: the point [") == 0, message);
      CHECK_MESSAGE(message.find("LPS or RAS") != std::string::npos, message);
    }
  }
}

}  // namespace medlsam
