// The losses against the conformance answers (loss/loss).
#include "torch/training/medlam_losses.hpp"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "checkpoints/checkpoint.hpp"
#include "testing/test_device.hpp"

namespace medlsam::training {
namespace {

const Checkpoint& answers() {
  static const Checkpoint file = open_checkpoint(CONFORMANCE_DIR "/loss/loss.safetensors");
  return file;
}

at::Tensor stored(const std::string& name) {
  const TensorView& view = answers().tensors.at(name);
  const at::ScalarType type = view.dtype == DType::kF64   ? at::kDouble
                              : view.dtype == DType::kI32 ? at::kInt
                                                          : at::kFloat;
  at::Tensor tensor = at::empty(view.shape, type);
  REQUIRE(tensor.nbytes() == view.bytes.size());
  std::memcpy(tensor.data_ptr(), view.bytes.data(), view.bytes.size());
  return tensor.to(at::Device(test_device()));
}

std::array<at::Tensor, kLossScales> features(const std::string& patch) {
  std::array<at::Tensor, kLossScales> found;
  for (std::size_t i = 0; i < kLossScales; ++i) found[i] = stored(patch + ".feature" + std::to_string(i));
  return found;
}

double answer(const std::string& name) {
  return stored("loss." + name).item<double>();
}

// One of the two patches of every scan of the stored batch.
struct StoredSide {
  std::string number;
  at::Tensor points, point_positions;

  explicit StoredSide(std::int64_t side) : number(std::to_string(side)) {
    points = stored("points").select(1, side).to(at::kLong);
    const at::Tensor map = stored("clean_pos" + number);
    const at::Tensor index =
        (points.select(1, 0) * map.size(3) + points.select(1, 1)) * map.size(4) + points.select(1, 2);
    point_positions = map.flatten(2).index_select(2, index).transpose(1, 2);
  }

  MssTargets targets(std::int64_t begin, std::int64_t end) const {
    return mss_targets(stored("pos" + number).slice(0, begin, end), point_positions.slice(0, begin, end));
  }
};

TEST_CASE("the UAM loss") {
  const at::Tensor first = stored("clean0.fc_position"), second = stored("clean1.fc_position");
  const at::Tensor wanted = stored("uam_prediction");
  CHECK((predicted_offset(first, second) - wanted).abs().max().item<double>() < 1e-2);
  const double scans = static_cast<double>(first.size(0));
  const double loss = uam_error(first, second, stored("relative_mm")).item<double>() / (3 * scans);
  CHECK(loss == doctest::Approx(answer("uam")).epsilon(1e-4));
}

TEST_CASE("the MSS loss, of a whole batch and as a sum over its scans") {
  double whole = 0, parts = 0;
  for (std::int64_t side = 0; side < 2; ++side) {
    const StoredSide given(side);
    const auto augmented = features("aug" + given.number), clean = features("clean" + given.number);
    const std::int64_t scans = clean[0].size(0);
    const MssTargets targets = given.targets(0, scans);
    MssCounts counts;
    counts.add(targets);
    whole += mss_loss(augmented, clean, given.points, targets, counts).item<double>();
    for (std::int64_t n = 0; n < scans; ++n) {
      auto some_augmented = augmented, some_clean = clean;
      for (std::size_t i = 0; i < kLossScales; ++i) {
        some_augmented[i] = augmented[i].slice(0, n, n + 1);
        some_clean[i] = clean[i].slice(0, n, n + 1);
      }
      parts +=
          mss_loss(some_augmented, some_clean, given.points, given.targets(n, n + 1), counts).item<double>();
    }
  }
  CHECK(whole == doctest::Approx(answer("mss")).epsilon(1e-4));
  CHECK(parts == doctest::Approx(whole).epsilon(1e-5));
  CHECK(whole + answer("uam") == doctest::Approx(answer("total")).epsilon(1e-4));
}

TEST_CASE("a batch with neither positives nor negatives has a finite loss") {
  const StoredSide given(0);
  const auto augmented = features("aug0"), clean = features("clean0");
  MssTargets targets = given.targets(0, clean[0].size(0));
  for (at::Tensor& mask : targets.positive) mask.zero_();
  for (at::Tensor& mask : targets.negative) mask.zero_();
  MssCounts counts;
  counts.add(targets);
  CHECK(mss_loss(augmented, clean, given.points, targets, counts).item<double>() == 0);
}

}  // namespace
}  // namespace medlsam::training
