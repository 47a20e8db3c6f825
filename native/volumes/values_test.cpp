#include "volumes/values.hpp"

#include <doctest/doctest.h>

#include <span>

#include "volumes/orientation.hpp"

namespace medlsam {
namespace {

// 2×2×3 voxels that count up, stored as PSR: x runs to posterior, y to superior, z to the right.
Volume small_volume() {
  Volume volume;
  volume.shape = {2, 2, 3};
  volume.dtype = DType::kI16;
  volume.slope = 0.5;
  volume.intercept = -4;
  volume.affine = {0, 0, 1, 0, -1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1};
  std::vector<std::int16_t> stored(12);
  for (std::size_t i = 0; i < stored.size(); ++i) stored[i] = static_cast<std::int16_t>(i);
  const auto bytes = std::as_bytes(std::span(stored));
  volume.data.assign(bytes.begin(), bytes.end());
  return volume;
}

}  // namespace

TEST_CASE("scaled values are stored ones times the slope plus the intercept, whatever the threads") {
  const Volume volume = small_volume();
  for (unsigned threads : {1u, 3u}) {
    Task task;
    task.threads = threads;
    const auto values = scaled_values(volume, task);
    REQUIRE(values.size() == 12);
    for (std::size_t i = 0; i < 12; ++i) CHECK(values[i] == static_cast<float>(i) / 2 - 4);
  }
}

TEST_CASE("LAS values are the same in the order left, anterior, superior") {
  const Shaped<double> las = las_values(small_volume());
  CHECK(las.shape == Index3{2, 3, 2});  // superior: y; anterior: x reversed; left: z reversed
  std::size_t at = 0;
  for (int z = 0; z < 2; ++z) {
    for (int y = 0; y < 3; ++y) {
      for (int x = 0; x < 2; ++x) {
        const int stored = ((1 - x) * 2 + z) * 3 + (2 - y);
        CHECK(las.values[at++] == stored / 2.0 - 4);
      }
    }
  }
}

}  // namespace medlsam
