#include "metrics/compare.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "metrics/overlap.hpp"
#include "testing/segmentation_data.hpp"

using namespace medlsam;
using namespace medlsam::test;

namespace {

constexpr Index3 kShape = {9, 11, 13};
constexpr std::array<double, 3> kSpacing = {2.5, 1.2, 0.9};

template <class Stored>
Volume volume_of(const std::vector<Stored>& values, DType dtype) {
  Volume volume;
  volume.shape = kShape;
  volume.dtype = dtype;
  volume.data.resize(values.size() * sizeof(Stored));
  std::memcpy(volume.data.data(), values.data(), volume.data.size());
  volume.affine = {kSpacing[2], 0, 0, 0, 0, kSpacing[1], 0, 0, 0, 0, kSpacing[0], 0, 0, 0, 0, 1};
  return volume;
}

// Labels 0 … 3 in no order.
std::vector<std::uint8_t> scattered(unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::uint8_t> labels(kShape[0] * kShape[1] * kShape[2]);
  for (auto& label : labels) label = static_cast<std::uint8_t>(random() % 4);
  return labels;
}

std::vector<std::uint8_t> mask_of(const std::vector<std::uint8_t>& labels, std::uint8_t label) {
  std::vector<std::uint8_t> mask;
  for (std::uint8_t each : labels) mask.push_back(each == label);
  return mask;
}

}  // namespace

TEST_CASE("compare: every organ has the figures of its two masks, whatever the threads") {
  const auto a = scattered(1), b = scattered(2);
  const Volume prediction = volume_of(a, DType::kU8), truth = volume_of(b, DType::kU8);
  const std::vector<LabelPair> labels = {{1, 2}, {2, 1}, {3, 3}};
  for (unsigned threads : {1u, 2u, 7u}) {
    Task task;
    task.threads = threads;
    std::size_t reported = 0;
    task.on_progress = [&](std::size_t done, std::size_t total, const char*) {
      CHECK(done == ++reported);
      CHECK(total == 3);
    };
    const auto organs = compare_labels(prediction, truth, labels, 1.5, task);
    CHECK(reported == 3);
    REQUIRE(organs.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
      const auto mask_a = mask_of(a, static_cast<std::uint8_t>(labels[i].prediction)),
                 mask_b = mask_of(b, static_cast<std::uint8_t>(labels[i].truth));
      const auto distances = surface_distances(mask_a, mask_b, kShape, kSpacing, {});
      CHECK(organs[i].dice == dice(mask_a, mask_b));
      CHECK(organs[i].distances.hausdorff == distances.hausdorff);
      CHECK(organs[i].distances.hausdorff95 == distances.hausdorff95);
      CHECK(organs[i].distances.average == distances.average);
      CHECK(organs[i].surface_dice == surface_dice(mask_a, mask_b, kShape, kSpacing, 1.5, {}));
    }
  }
}

TEST_CASE("compare: counts and boxes, in any stored type") {
  std::vector<float> values(kShape[0] * kShape[1] * kShape[2]);
  const auto at = [&](std::int64_t z, std::int64_t y, std::int64_t x) -> float& {
    return values[(z * kShape[1] + y) * kShape[2] + x];
  };
  at(1, 2, 3) = at(1, 2, 4) = at(5, 0, 12) = 7;
  at(8, 10, 0) = 65535;
  const auto counts = count_labels(volume_of(values, DType::kF32), two_threads());
  REQUIRE(counts.size() == 2);
  CHECK(counts[0].label == 7);
  CHECK(counts[0].voxels == 3);
  CHECK(counts[0].box.min == Index3{1, 0, 3});
  CHECK(counts[0].box.max == Index3{5, 2, 12});
  CHECK(counts[1].label == 65535);
  CHECK(counts[1].box.min == counts[1].box.max);

  Volume scaled = volume_of(std::vector<std::int16_t>(values.size(), 0), DType::kI16);
  scaled.slope = 0.5;
  scaled.intercept = 3;  // a stored 0 is label 3
  const auto all = count_labels(scaled, {});
  REQUIRE(all.size() == 1);
  CHECK(all[0].label == 3);
  CHECK(all[0].voxels == values.size());
}

TEST_CASE("compare: organs that one map or both lack") {
  std::vector<std::uint8_t> some(kShape[0] * kShape[1] * kShape[2]);
  some[20] = 1;
  const Volume with = volume_of(some, DType::kU8), without = volume_of(mask_of(some, 9), DType::kU8);
  const std::vector<LabelPair> labels = {{1, 1}, {1, 0}, {0, 0}};
  const auto organs = compare_labels(with, without, labels, 2, two_threads());
  for (int i : {0, 1}) {
    CHECK(organs[i].prediction_voxels == 1);
    CHECK(organs[i].prediction_box.has_value());
    CHECK(organs[i].truth_voxels == 0);
    CHECK_FALSE(organs[i].truth_box.has_value());
    CHECK(organs[i].dice == 0);
    CHECK(organs[i].surface_dice == 0);
    CHECK(organs[i].distances.hausdorff95 == std::numeric_limits<double>::infinity());
  }
  CHECK(std::isnan(organs[2].dice));
  CHECK(std::isnan(organs[2].distances.average));
  CHECK(std::isnan(organs[2].surface_dice));
  CHECK(compare_labels(without, with, labels, 2, {})[0].dice == 0);
  CHECK(compare_labels(with, with, {}, 2, {}).empty());
}

TEST_CASE("compare: what cannot be compared") {
  const Volume labels = volume_of(scattered(3), DType::kU8);
  Volume other = labels;
  other.shape = {11, 9, 13};
  const std::vector<LabelPair> one = {{1, 1}}, none = {{65536, 1}};
  check_refused([&] { compare_labels(labels, other, one, 2, {}); }, "different shapes");
  check_refused([&] { compare_labels(labels, labels, none, 2, {}); }, "Label 65536");
  check_refused([&] { compare_labels(labels, labels, one, -2, {}); }, "tolerance");
  for (float value : {0.5f, -1.0f, 70000.0f, std::numeric_limits<float>::quiet_NaN()}) {
    std::vector<float> values(labels.voxels());
    values[77] = value;
    try {
      count_labels(volume_of(values, DType::kF32), {});
      FAIL("not refused: ", value);
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::kBadLabels);
    }
  }
  Task cancelled;
  cancelled.cancelled = std::make_shared<Cancellation>(true);
  CHECK_THROWS_AS(count_labels(labels, cancelled), Error);
}
