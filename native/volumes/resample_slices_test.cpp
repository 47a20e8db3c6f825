#include "volumes/resample_slices.hpp"

#include <doctest/doctest.h>

#include <cstring>

#include "base/error.hpp"

using namespace medlsam;

namespace {

Volume three_slices() {
  Volume volume;
  volume.shape = {3, 1, 2};
  volume.dtype = DType::kI16;
  const std::int16_t values[] = {0, -1000, 10, -1001, 30, 40};
  volume.data.resize(sizeof values);
  std::memcpy(volume.data.data(), values, sizeof values);
  return volume;
}

}  // namespace

TEST_CASE("slices are blended with their neighbors, and whole values stay whole") {
  const SliceBlend blends[] = {{0, 0}, {0, 0.5}, {1, 0.25}, {1, 1}};
  Affine affine{};
  affine[0] = 7;
  const Volume blended = resampled_slices(three_slices(), blends, affine, Task{});
  CHECK(blended.shape == Index3{4, 1, 2});
  CHECK(blended.affine[0] == 7);
  const auto* values = reinterpret_cast<const std::int16_t*>(blended.data.data());
  const std::int16_t expected[] = {0, -1000, 5, -1000, 15, -741, 30, 40};
  for (int i = 0; i < 8; ++i) CHECK(values[i] == expected[i]);
}

TEST_CASE("slices beyond the volume are refused") {
  for (const SliceBlend blend : {SliceBlend{-1, 0}, {3, 0}, {2, 0.5}, {0, 1.5}}) {
    CHECK_THROWS_AS(resampled_slices(three_slices(), {&blend, 1}, {}, Task{}), Error);
  }
}
