#include "localization/grid/grid_map.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "volumes/affine.hpp"

namespace medlsam {
namespace {

// An axis order with signs and a spacing, slightly turned and shifted.
Affine random_affine(std::mt19937& random) {
  std::array<int, 3> order = {0, 1, 2};
  std::shuffle(order.begin(), order.end(), random);
  std::uniform_real_distribution<double> millimetres(0.7, 5), angle(-0.4, 0.4), origin(-500, 500);
  const double turned = angle(random), c = std::cos(turned), s = std::sin(turned);
  const std::array<double, 9> turn = {c, -s, 0, s, c, 0, 0, 0, 1};
  Affine affine{};
  for (int column = 0; column < 3; ++column) {
    const double step = (random() % 2 == 0 ? -1 : 1) * millimetres(random);
    for (int row = 0; row < 3; ++row) affine[4 * row + column] = turn[3 * row + order[column]] * step;
    affine[4 * column + 3] = origin(random);
  }
  affine[15] = 1;
  return affine;
}

Grid grid_of(const Index3& shape, const Affine& affine) {
  Volume volume;
  volume.shape = shape;
  volume.dtype = DType::kI16;
  volume.affine = affine;
  std::vector<std::int16_t> hu(volume.voxels());
  for (std::size_t i = 0; i < hu.size(); ++i)
    hu[i] = static_cast<std::int16_t>(static_cast<int>(i * 37 % 2000) - 1000);
  const auto bytes = std::as_bytes(std::span(hu));
  volume.data.assign(bytes.begin(), bytes.end());
  return make_grid(volume, Conventions::kExact, false, {});
}

}  // namespace

TEST_CASE("grid → stored → physical → grid comes back, for every axis order and oblique affines (Q4)") {
  const Index3 shape = {12, 10, 15};
  std::mt19937 random(1);
  std::uniform_real_distribution<double> part(0, 1);
  for (int run = 0; run < 60; ++run) {
    const Affine affine = random_affine(random);
    const Grid grid = grid_of(shape, affine);
    std::array<double, 3> point;
    for (int a = 0; a < 3; ++a) {
      const double last = static_cast<double>(grid.shape[a] - 2 * kGridPadding - 1);
      point[a] = static_cast<double>(kGridPadding) + part(random) * last;
    }
    const auto stored = to_stored(grid, point);
    for (int a = 0; a < 3; ++a) {
      CHECK(stored[a] > -1e-6);
      CHECK(stored[a] < static_cast<double>(shape[a] - 1) + 1e-6);
    }
    const auto ras = map_point(affine, {stored[2], stored[1], stored[0]});
    const auto back = from_physical(grid, {-ras[0], -ras[1], ras[2]});
    for (int a = 0; a < 3; ++a) CHECK(std::abs(back[a] - point[a]) < 1e-5);
  }
}

TEST_CASE("reference conventions take a grid point to a whole stored voxel, halves to the even one (Q4)") {
  Grid grid;
  grid.conventions = Conventions::kReference;
  grid.shape = {84, 84, 84};
  grid.las_shape = grid.stored_shape = {10, 10, 10};
  grid.zoom = {2, 2, 2};
  grid.orientation.stored_axis = {0, 2, 1};
  grid.orientation.flipped = {false, true, false};
  const double p = static_cast<double>(kGridPadding);
  CHECK(to_stored(grid, {p + 1, p + 3, p + 5}) == std::array<double, 3>{0, 2, 7});
  CHECK(to_stored(grid, {p - 1, p - 3, p + 4}) == std::array<double, 3>{0, 2, 11});
}

TEST_CASE("a scan of one voxel along an axis keeps its spacing there") {
  Grid grid;
  grid.shape = {65, 84, 84};
  grid.las_shape = grid.stored_shape = {1, 20, 20};
  grid.zoom = {0.5, 1, 1};
  grid.orientation.stored_axis = {0, 1, 2};
  CHECK(to_stored(grid, {34, 35, 36}) == std::array<double, 3>{4, 3, 4});
}

}  // namespace medlsam
