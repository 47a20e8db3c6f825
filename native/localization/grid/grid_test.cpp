#include "localization/grid/grid.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "localization/grid/labels.hpp"
#include "localization/grid/spline.hpp"

namespace medlsam {
namespace {

const Task kTask{.threads = 2, .cancelled = nullptr, .on_progress = nullptr};

template <class T>
Volume make_volume(const Index3& shape, DType dtype, const std::vector<T>& values, double mm = 3) {
  Volume volume;
  volume.shape = shape;
  volume.dtype = dtype;
  const auto bytes = std::as_bytes(std::span(values));
  volume.data.assign(bytes.begin(), bytes.end());
  volume.affine = {-mm, 0, 0, 0, 0, mm, 0, 0, 0, 0, mm, 0, 0, 0, 0, 1};  // LAS
  return volume;
}

ErrorCode code_of_grid(const Volume& volume, Conventions conventions, bool normalized = false) {
  try {
    make_grid(volume, conventions, normalized, kTask);
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::kInternal;  // no error: never what a caller of this expects
}

TEST_CASE("a cubic spline's rows sum to one and keep a straight line") {
  const AxisOperator op = cubic_spline(40, 17);
  for (std::int64_t o = 0; o < op.rows(); ++o) {
    double sum = 0, line = 0;
    for (std::int64_t i = op.begin[o]; i < op.begin[o + 1]; ++i) {
      sum += op.weights[i];
      line += op.weights[i] * static_cast<double>(op.first[o] + i - op.begin[o]);
    }
    CHECK(sum == doctest::Approx(1).epsilon(1e-6));
    // The mirrored ends bend the line within a few voxels of them.
    if (o > 4 && o < 12) CHECK(line == doctest::Approx(static_cast<double>(o) * 39 / 16).epsilon(1e-5));
  }
}

TEST_CASE("resampling to the same length gives the samples back") {
  const AxisOperator op = cubic_spline(12, 12);
  for (std::int64_t o = 0; o < 12; ++o) {
    for (std::int64_t i = op.begin[o]; i < op.begin[o + 1]; ++i) {
      const bool own = op.first[o] + i - op.begin[o] == o;
      CHECK(op.weights[i] == doctest::Approx(own ? 1 : 0).epsilon(1e-6));
    }
  }
}

TEST_CASE("one sample stays one sample") {
  const AxisOperator op = cubic_spline(1, 3);
  for (std::int64_t o = 0; o < 3; ++o) CHECK(op.weights[op.begin[o]] == doctest::Approx(1));
}

TEST_CASE("a grid at 3 mm is the volume, mapped and padded") {
  std::vector<std::int16_t> hu(20 * 20 * 20);
  for (std::size_t i = 0; i < hu.size(); ++i)
    hu[i] = static_cast<std::int16_t>(static_cast<int>(i * 37 % 2500) - 1000);
  const Grid grid = make_grid(make_volume({20, 20, 20}, DType::kI16, hu), Conventions::kExact, false, kTask);
  CHECK(grid.shape == Index3{84, 84, 84});
  CHECK(grid.at({31, 40, 40}) == 0);
  CHECK(grid.at({-1, 40, 400}) == 0);
  for (std::int64_t z : {0, 7, 19}) {
    for (std::int64_t x : {0, 5, 19}) {
      CHECK(grid.at({32 + z, 32 + 3, 32 + x}) ==
            doctest::Approx(map_hu(hu[(z * 20 + 3) * 20 + x])).epsilon(1e-4));
    }
  }
}

TEST_CASE("patches are cut around their centre, zero outside") {
  std::vector<std::int16_t> hu(8 * 8 * 8, -1000);
  hu[(4 * 8 + 4) * 8 + 4] = 1500;
  const Grid grid = make_grid(make_volume({8, 8, 8}, DType::kI16, hu), Conventions::kExact, false, kTask);
  std::vector<float> patch(64 * 64 * 64, -1);
  copy_patch(grid, {36, 36, 36}, 64, patch.data());
  CHECK(patch[(32 * 64 + 32) * 64 + 32] == doctest::Approx(1).epsilon(1e-3));
  copy_patch(grid, {2, 36, 70}, 64, patch.data());  // reaches below and beyond the grid
  CHECK(patch[0] == 0);
  CHECK(patch.back() == 0);
  copy_patch(grid, {-500, 0, 0}, 64, patch.data());
  CHECK(*std::max_element(patch.begin(), patch.end()) == 0);
}

TEST_CASE("what cannot be localized in is refused") {
  std::vector<float> values(10 * 10 * 10);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 100);
  CHECK(code_of_grid(make_volume({10, 10, 10}, DType::kF32, values), Conventions::kExact) ==
        ErrorCode::kNotHu);
  CHECK_NOTHROW(
      make_grid(make_volume({10, 10, 10}, DType::kF32, values), Conventions::kReference, false, kTask));
  CHECK_NOTHROW(make_grid(make_volume({10, 10, 10}, DType::kF32, values), Conventions::kExact, true, kTask));
  CHECK(code_of_grid(make_volume({10, 10, 10}, DType::kF32, std::vector<float>(1000, -1000.0f)),
                     Conventions::kExact) == ErrorCode::kBadVolume);
  // Sharp edges ring below −10 when resampled; the stored values decide.
  std::vector<float> edges(1000);
  for (std::size_t i = 0; i < edges.size(); ++i) edges[i] = i % 10 < 5 ? 0.0f : 255.0f;
  CHECK(code_of_grid(make_volume({10, 10, 10}, DType::kF32, edges, 2), Conventions::kExact) ==
        ErrorCode::kNotHu);
  values[5] = std::numeric_limits<float>::quiet_NaN();
  CHECK(code_of_grid(make_volume({10, 10, 10}, DType::kF32, values), Conventions::kExact) ==
        ErrorCode::kBadVolume);
  CHECK(code_of_grid(make_volume({1, 10, 100}, DType::kF32, values, 0.3), Conventions::kExact) ==
        ErrorCode::kBadVolume);
}

TEST_CASE("a cancelled grid stops") {
  Task task = kTask;
  task.cancelled = std::make_shared<Cancellation>(true);
  const std::vector<std::int16_t> hu(1000, -1000);
  CHECK_THROWS_AS(make_grid(make_volume({10, 10, 10}, DType::kI16, hu), Conventions::kExact, false, task),
                  Error);
}

TEST_CASE("labels vote, and what is no label is refused") {
  std::vector<std::uint8_t> labels(12 * 12 * 12, 0);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = i % 12 < 6 ? 3 : 7;
  const auto grid =
      make_label_grid(make_volume({12, 12, 12}, DType::kU8, labels, 1.5), Conventions::kExact, 0, kTask);
  CHECK(grid.shape == Index3{6, 6, 6});
  const auto extents = label_extents(grid, kTask);
  REQUIRE(extents.size() == 2);
  CHECK(extents[0].label == 3);
  CHECK(extents[0].max == Index3{5, 5, 2});
  CHECK(extents[1].min == Index3{0, 0, 3});
  std::vector<float> fractions(27, 1.5f);
  CHECK_THROWS_AS(
      make_label_grid(make_volume({3, 3, 3}, DType::kF32, fractions), Conventions::kExact, 0, kTask), Error);
  std::vector<std::int16_t> negative(27, -1);
  CHECK_THROWS_AS(
      make_label_grid(make_volume({3, 3, 3}, DType::kI16, negative), Conventions::kExact, 0, kTask), Error);
}

TEST_CASE("the result does not depend on the number of threads") {
  std::vector<std::int16_t> hu(30 * 41 * 52);
  for (std::size_t i = 0; i < hu.size(); ++i)
    hu[i] = static_cast<std::int16_t>(static_cast<int>(i * 7919 % 2000) - 1000);
  const Volume volume = make_volume({30, 41, 52}, DType::kI16, hu, 1.7);
  Task one = kTask;
  one.threads = 1;
  CHECK(make_grid(volume, Conventions::kExact, false, kTask).values ==
        make_grid(volume, Conventions::kExact, false, one).values);
}

TEST_CASE("an oblique affine takes the nearest axis order, a singular one is refused") {
  const double c = std::cos(0.5), s = std::sin(0.5);
  CHECK(axis_codes({-c, -s, 0, 0, -s, c, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1}) == "LAS");
  CHECK_THROWS_AS(las_orientation({1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}), Error);
  CHECK_THROWS_AS(las_orientation({0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}), Error);
}

}  // namespace
}  // namespace medlsam
