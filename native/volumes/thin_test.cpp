#include "volumes/thin.hpp"

#include <doctest/doctest.h>

#include "base/error.hpp"

using namespace medlsam;
using doctest::Contains;

namespace {

// Voxel (z, y, x) holds 100 z + 10 y + x.
Volume numbered() {
  Volume volume;
  volume.shape = {5, 4, 7};
  volume.dtype = DType::kI16;
  volume.slope = 2;
  volume.affine = {0, -2, 0, 30, 3, 0, 0, -5, 0, 0, 0.5, 7, 0, 0, 0, 1};
  volume.data.resize(volume.voxels() * sizeof(std::int16_t));
  auto* values = reinterpret_cast<std::int16_t*>(volume.data.data());
  for (int z = 0; z < 5; ++z) {
    for (int y = 0; y < 4; ++y) {
      for (int x = 0; x < 7; ++x) *values++ = static_cast<std::int16_t>(100 * z + 10 * y + x);
    }
  }
  return volume;
}

std::array<double, 3> place(const Volume& volume, const Index3& voxel) {
  std::array<double, 3> at{};
  for (std::size_t row = 0; row < 3; ++row) {
    at[row] = volume.affine[4 * row + 3];
    for (std::size_t column = 0; column < 3; ++column) {
      at[row] += volume.affine[4 * row + column] * static_cast<double>(voxel[2 - column]);
    }
  }
  return at;
}

}  // namespace

TEST_CASE("thin: voxels keep their values and places") {
  const Volume volume = numbered();
  for (const Index3& step : {Index3{1, 1, 1}, Index3{2, 1, 3}, Index3{4, 3, 2}, Index3{9, 9, 9}}) {
    const Volume thin = thinned(volume, step, Task{});
    CAPTURE(step[0]);
    CHECK(thin.slope == 2);
    REQUIRE(thin.data.size() == thin.voxels() * 2);
    const auto* values = reinterpret_cast<const std::int16_t*>(thin.data.data());
    for (std::int64_t z = 0; z < thin.shape[0]; ++z) {
      for (std::int64_t y = 0; y < thin.shape[1]; ++y) {
        for (std::int64_t x = 0; x < thin.shape[2]; ++x) {
          const int value = *values++;
          const Index3 from = {value / 100, value / 10 % 10, value % 10};
          CHECK(place(thin, {z, y, x}) == place(volume, from));
        }
      }
    }
  }
  CHECK(thinned(volume, {2, 1, 3}, Task{}).shape == Index3{3, 4, 2});
  CHECK(thinned(volume, {9, 9, 9}, Task{}).shape == Index3{1, 1, 1});
  CHECK(thinned(volume, {1, 1, 1}, Task{}).data == volume.data);
}

TEST_CASE("thin: steps that are none") {
  CHECK_THROWS_WITH_AS(thinned(numbered(), {1, 0, 1}, Task{}), Contains("1 or more"), Error);
}
