#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "cuda/scan/device_scan.hpp"
#include "segmentation/masks/assemble.hpp"
#include "segmentation/masks/decode.hpp"
#include "segmentation/masks/scan_masks.hpp"
#include "testing/plugin_under_test.hpp"

namespace medlsam::cuda {
namespace {

using testing::DeviceValues;

const Task kTask{.threads = 2, .cancelled = nullptr, .on_progress = nullptr};
constexpr std::int64_t kLogits = 16, kImage = 64;

const MedlsamCudaTable& plugin() {
  return testing::plugin_under_test(MEDLSAM_HOST_PLUGIN);
}

Volume make_volume() {
  Volume volume;
  volume.shape = {41, 4, 53};
  volume.dtype = DType::kI16;
  volume.slope = 2;
  volume.intercept = -50;
  volume.affine = {-1, 0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 0, 0, 0, 1};  // slices along the second axis
  std::vector<std::int16_t> values(volume.voxels());
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<std::int16_t>(static_cast<int>(i * 31 % 1999) - 700);
  const auto bytes = std::as_bytes(std::span(values));
  volume.data.assign(bytes.begin(), bytes.end());
  return volume;
}

// Smooth blobs, one mask of each prompt empty.
std::vector<float> make_logits(int prompts, int each, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(0, 1);
  std::vector<float> logits;
  for (int mask = 0; mask < prompts * each; ++mask) {
    const float y0 = 16 * uniform(generator), x0 = 16 * uniform(generator),
                radius = 2 + 5 * uniform(generator);
    for (int y = 0; y < kLogits; ++y) {
      for (int x = 0; x < kLogits; ++x) {
        const float distance = std::hypot(static_cast<float>(y) - y0, static_cast<float>(x) - x0);
        const float logit = mask == 1 ? -3 : 1.3F * (radius - distance);
        logits.push_back(half_to_float(float_to_half(logit)));
      }
    }
  }
  return logits;
}

struct Scene {
  Scene() : volume(make_volume()), layout(slice_layout(volume.affine, volume.shape)), scan(plugin(), 0) {
    scan.load(volume, kTask);
    scan.set_slices(layout, {}, kImage);
  }

  SliceMask expected(std::span<const float> logits) const {
    std::vector<float> probabilities(layout.pixels());
    MaskDecoder(kLogits, kImage, layout.height, layout.width).decode(logits, probabilities);
    return crop_mask(probabilities, layout.height, layout.width);
  }

  Volume volume;
  SliceLayout layout;
  DeviceScan scan;
};

void check_mask(const SliceMask& found, const SliceMask& expected) {
  CHECK(found.top == expected.top);
  CHECK(found.left == expected.left);
  CHECK(found.height == expected.height);
  REQUIRE(found.width == expected.width);
  REQUIRE(found.levels.size() == expected.levels.size());
  int most = 0;
  for (std::size_t i = 0; i < found.levels.size(); ++i) {
    CHECK((found.levels[i] == 0) == (expected.levels[i] == 0));
    most = std::max(most, std::abs(found.levels[i] - expected.levels[i]));
  }
  CHECK(most <= 1);
}

TEST_CASE("masks decoded on a GPU are the CPU's, with their statistics and bits") {
  Scene scene;
  const std::vector<float> logits = make_logits(3, 1, 1);
  const DeviceValues on_device(plugin(), logits);
  const auto found =
      scene.scan.decode_masks(2, {on_device.data(), nullptr, DType::kF32, 3, 1, static_cast<int>(kLogits)});
  REQUIRE(found.size() == 3);
  CHECK(found[1].mask.empty());
  CHECK(std::isnan(found[1].mean));
  const auto bits = scene.scan.mask_bits();
  ScanMasks masks(scene.volume.affine, scene.volume.shape, 3);
  for (std::size_t i = 0; i < 3; ++i) {
    const SliceMask& mask = found[i].mask;
    check_mask(mask, scene.expected(std::span(logits).subspan(i * kLogits * kLogits, kLogits * kLogits)));
    masks.organs[i].slices[2] = mask;
    const MaskStatistics statistics = mask_statistics(masks, i, scene.volume, kTask);
    CHECK(found[i].voxels == statistics.voxels);
    if (statistics.voxels > 0) CHECK(found[i].mean == doctest::Approx(statistics.mean).epsilon(1e-12));
    const std::int64_t row_bytes = (mask.width + 7) / 8;
    REQUIRE(bits[i].size() == static_cast<std::size_t>(mask.height * row_bytes));
    for (std::int64_t y = 0; y < mask.height; ++y) {
      for (std::int64_t x = 0; x < mask.width; ++x) {
        const bool bit = (bits[i][y * row_bytes + x / 8] >> (x % 8) & 1) != 0;
        REQUIRE(bit == (mask.levels[y * mask.width + x] != 0));
      }
    }
  }
}

TEST_CASE(
    "of a prompt's masks a GPU takes the one with the greatest predicted IoU, the first of equal ones") {
  Scene scene;
  const std::vector<float> logits = make_logits(2, 3, 4);
  std::vector<std::uint16_t> halves;
  for (float logit : logits) halves.push_back(float_to_half(logit));
  std::vector<std::uint16_t> ious;
  for (float iou : {0.5F, 0.25F, 0.75F, 0.5F, 0.625F, 0.625F}) ious.push_back(float_to_half(iou));
  const DeviceValues masks_on_device(plugin(), halves), ious_on_device(plugin(), ious);
  const auto found = scene.scan.decode_masks(
      0, {masks_on_device.data(), ious_on_device.data(), DType::kF16, 2, 3, static_cast<int>(kLogits)});
  for (std::size_t i : {0, 1}) {
    const std::size_t best = i == 0 ? 2 : 4;
    check_mask(found.at(i).mask,
               scene.expected(std::span(logits).subspan(best * kLogits * kLogits, kLogits * kLogits)));
  }
}

TEST_CASE("the label map of a GPU is the CPU's, also where a slice's masks come in several calls") {
  Scene scene;
  ScanMasks masks(scene.volume.affine, scene.volume.shape, 4);
  CHECK(scene.scan.label_map() == std::vector<std::uint16_t>(scene.volume.voxels(), 0));
  for (std::int64_t slice : {1, 3}) {
    // The same mask twice: of equally probable organs the first stays, though it comes last.
    std::vector<float> logits = make_logits(4, 1, static_cast<unsigned>(slice));
    std::copy_n(logits.begin() + 2 * kLogits * kLogits, kLogits * kLogits, logits.begin());
    const DeviceValues on_device(plugin(), logits);
    const auto decode = [&](std::size_t from, int count) {
      const float* begin = static_cast<const float*>(on_device.data()) + from * kLogits * kLogits;
      return scene.scan.decode_masks(slice,
                                     {begin, nullptr, DType::kF32, count, 1, static_cast<int>(kLogits)});
    };
    const auto last = decode(2, 2);
    scene.scan.assemble(std::array<std::uint16_t, 2>{30, 400}, std::array<std::uint16_t, 2>{2, 3});
    const auto first = decode(0, 2);
    scene.scan.assemble(std::array<std::uint16_t, 2>{10, 20}, std::array<std::uint16_t, 2>{0, 1});
    masks.organs[0].slices[slice] = first[0].mask;
    masks.organs[1].slices[slice] = first[1].mask;
    masks.organs[2].slices[slice] = last[0].mask;
    masks.organs[3].slices[slice] = last[1].mask;
  }
  const std::array<LabelledMask, 4> labelled = {
      {{&masks.organs[0], 10}, {&masks.organs[1], 20}, {&masks.organs[2], 30}, {&masks.organs[3], 400}}};
  std::vector<std::uint16_t> expected(scene.volume.voxels());
  medlsam::assemble<std::uint16_t>(labelled, scene.layout, expected, kTask);
  CHECK(scene.scan.label_map() == expected);
  scene.scan.set_slices(scene.layout, {}, kImage);
  CHECK(scene.scan.label_map() == std::vector<std::uint16_t>(scene.volume.voxels(), 0));
}

TEST_CASE("wrong calls with masks are refused on a GPU") {
  Scene scene;
  const DeviceValues on_device(plugin(), make_logits(1, 1, 1));
  const DeviceLogits logits{on_device.data(), nullptr, DType::kF32, 1, 1, static_cast<int>(kLogits)};
  CHECK_THROWS_AS(scene.scan.decode_masks(4, logits), Error);
  CHECK_THROWS_AS(scene.scan.decode_masks(0, {on_device.data(), nullptr, DType::kI16, 1, 1, 16}), Error);
  CHECK(scene.scan.mask_bits().empty());
  scene.scan.decode_masks(0, logits);
  CHECK_THROWS_AS(scene.scan.assemble({}, {}), Error);
  CHECK_THROWS_AS(scene.scan.assemble(std::array<std::uint16_t, 1>{0}, std::array<std::uint16_t, 1>{0}),
                  Error);
}

}  // namespace
}  // namespace medlsam::cuda
