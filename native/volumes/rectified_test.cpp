#include "volumes/rectified.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "volumes/affine.hpp"

using namespace medlsam;

namespace {

// Rows 2 mm apart, columns 1 mm, slices 4 mm, each shifted by `rows` and `columns` voxels from the one
// before.
Volume sheared(double rows, double columns) {
  Volume volume;
  volume.shape = {5, 6, 7};
  volume.dtype = DType::kI16;
  volume.affine = {-1, 0, -columns, 30, 0, 2, 2 * rows, -10, 0, 0, 4, 100, 0, 0, 0, 1};
  volume.data.resize(volume.voxels() * 2);
  auto* values = reinterpret_cast<std::int16_t*>(volume.data.data());
  // A body that stands upright in the patient: 10 · x in mm + y in mm.
  for (std::int64_t z = 0; z < 5; ++z) {
    for (std::int64_t y = 0; y < 6; ++y) {
      for (std::int64_t x = 0; x < 7; ++x) {
        const auto mm = map_point(volume.affine,
                                  {static_cast<double>(x), static_cast<double>(y), static_cast<double>(z)});
        *values++ = static_cast<std::int16_t>(std::lround(10 * mm[0] + mm[1]));
      }
    }
  }
  return volume;
}

}  // namespace

TEST_CASE("a rectified copy shows what lies upright in the patient upright, at its place") {
  for (const auto& [rows, columns] : {std::pair{0.5, 0.0}, {-0.5, 0.0}, {0.25, -1.5}, {0.0, 0.75}}) {
    const Volume volume = sheared(rows, columns);
    const auto rectification = rectification_of(volume, 1);
    REQUIRE(rectification);
    const Volume upright = rectified(volume, *rectification, Task{});
    CHECK(tilt_degrees(upright.affine) == doctest::Approx(0).epsilon(1e-6));
    const auto* values = reinterpret_cast<const std::int16_t*>(upright.data.data());
    int inside = 0;
    for (std::int64_t z = 0; z < upright.shape[0]; ++z) {
      for (std::int64_t y = 0; y < upright.shape[1]; ++y) {
        for (std::int64_t x = 0; x < upright.shape[2]; ++x, ++values) {
          const std::array<double, 3> voxel = {static_cast<double>(z), static_cast<double>(y),
                                               static_cast<double>(x)};
          const auto mm = map_point(upright.affine, {voxel[2], voxel[1], voxel[0]});
          const auto stored = rectification->to_stored(voxel);
          const auto same = map_point(volume.affine, {stored[2], stored[1], stored[0]});
          for (int a = 0; a < 3; ++a) CHECK(same[a] == doctest::Approx(mm[a]));
          if (*values == -1024) continue;
          ++inside;
          CHECK(std::abs(static_cast<double>(*values) - (10 * mm[0] + mm[1])) <= 1.01);
        }
      }
    }
    CHECK(inside >= 5 * 5 * 6);
  }
}

TEST_CASE("labels are shifted to the nearest voxel, and none are made up") {
  Volume labels = sheared(0.5, 0);
  auto* values = reinterpret_cast<std::int16_t*>(labels.data.data());
  for (std::size_t i = 0; i < labels.voxels(); ++i)
    values[i] = static_cast<std::int16_t>(i % 2 == 0 ? 3 : 700);
  const auto rectification = rectification_of(labels, 1);
  REQUIRE(rectification);
  const Volume upright = rectified_labels(labels, *rectification, Task{});
  const auto* shifted = reinterpret_cast<const std::int16_t*>(upright.data.data());
  int kept = 0;
  for (std::size_t i = 0; i < upright.voxels(); ++i) {
    CHECK((shifted[i] == 0 || shifted[i] == 3 || shifted[i] == 700));
    kept += shifted[i] != 0;
  }
  CHECK(kept == 5 * 6 * 7);
}

TEST_CASE("slices that are not tilted, or none of a scanner, are left as they are") {
  CHECK_FALSE(rectification_of(sheared(0, 0), 1));
  CHECK_FALSE(rectification_of(sheared(0.01, 0), 1));
  Volume skew = sheared(0.5, 0);
  skew.affine[1] = 1;
  CHECK_FALSE(rectification_of(skew, 1));
}
