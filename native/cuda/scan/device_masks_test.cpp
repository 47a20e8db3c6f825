#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <random>
#include <utility>

#include "cuda/library.hpp"
#include "cuda/scan/device_scan.hpp"
#include "segmentation/masks/assemble.hpp"
#include "segmentation/masks/components.hpp"
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
  explicit Scene(Volume of = make_volume())
      : volume(std::move(of)), layout(slice_layout(volume.affine, volume.shape)), scan(plugin(), 0) {
    scan.load(volume, kTask);
    scan.set_slices(layout, {}, kImage);
  }

  SliceMask expected(std::span<const float> logits, MaskSampling sampling = MaskSampling::kCorners) const {
    std::vector<float> probabilities(layout.pixels());
    MaskDecoder(kLogits, kImage, layout.height, layout.width, sampling).decode(logits, probabilities);
    return crop_mask(probabilities, layout.height, layout.width);
  }

  ScanMasks no_masks(std::size_t organs) const { return {volume.affine, volume.shape, organs}; }

  // Keeps the masks that were decoded, in the order of organs.
  void keep(std::size_t organs, MaskLevels levels, ScanMasks& masks) {
    std::vector<std::size_t> numbers(organs);
    std::iota(numbers.begin(), numbers.end(), std::size_t{0});
    scan.keep_masks(numbers, levels, masks, kTask);
  }

  // The slice's masks of logits that are on the device.
  std::vector<SliceMask> masks(std::int64_t slice, const DeviceLogits& logits, MaskLevels levels) {
    ScanMasks made = no_masks(logits.prompts);
    scan.begin_masks(slice);
    scan.decode_masks(logits);
    keep(logits.prompts, levels, made);
    scan.read_masks(made, kTask);
    std::vector<SliceMask> found;
    for (const OrganMask& organ : made.organs) found.push_back(organ.slices[slice]);
    return found;
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

TEST_CASE("masks decoded on a GPU are the CPU's, with their statistics") {
  Scene scene;
  const std::vector<float> logits = make_logits(3, 1, 1);
  const DeviceValues on_device(plugin(), logits);
  const auto found = scene.masks(2, {on_device.data(), nullptr, DType::kF32, 3, 1, static_cast<int>(kLogits)},
                                 MaskLevels::kAll);
  REQUIRE(found.size() == 3);
  CHECK(found[1].empty());
  ScanMasks masks = scene.no_masks(3);
  for (std::size_t i = 0; i < 3; ++i) {
    check_mask(found[i], scene.expected(std::span(logits).subspan(i * kLogits * kLogits, kLogits * kLogits)));
    masks.organs[i].slices[2] = found[i];
    REQUIRE(found[i].stored_sum);
    const MaskStatistics by_gpu = mask_statistics(masks, i, scene.volume, kTask);
    masks.organs[i].slices[2].stored_sum.reset();
    const MaskStatistics expected = mask_statistics(masks, i, scene.volume, kTask);
    CHECK(by_gpu.voxels == expected.voxels);
    if (i != 1) CHECK(by_gpu.mean == expected.mean);
  }
}

TEST_CASE("masks are sampled on a GPU as on the CPU") {
  Scene scene;
  const std::vector<float> logits = make_logits(1, 1, 1);
  const DeviceValues values(plugin(), logits);
  const DeviceLogits on_device{values.data(), nullptr, DType::kF32, 1, 1, static_cast<int>(kLogits)};
  const SliceMask published = scene.expected(logits);
  const SliceMask centers = scene.expected(logits, MaskSampling::kCenters);
  CHECK(centers.levels != published.levels);
  for (const MaskSampling sampling : {MaskSampling::kCenters, MaskSampling::kCorners}) {
    scene.scan.set_slices(scene.layout, {}, kImage, sampling);
    const bool is_centers = sampling == MaskSampling::kCenters;
    check_mask(scene.masks(2, on_device, MaskLevels::kAll).at(0), is_centers ? centers : published);
  }
}

TEST_CASE("a mask that is filtered, and one of a volume of fractions, are measured on the host") {
  Scene scene;
  const DeviceValues on_device(plugin(), make_logits(1, 1, 1));
  const DeviceLogits logits{on_device.data(), nullptr, DType::kF32, 1, 1, static_cast<int>(kLogits)};
  OrganMask mask(scene.layout);
  mask.slices[2] = scene.masks(2, logits, MaskLevels::kAll).at(0);
  filter_components(mask, {false, 1});
  CHECK(mask.slices[2].stored_sum);
  filter_components(mask, {false, scene.volume.voxels()});
  CHECK(!mask.slices[2].stored_sum);

  Volume fractions = scene.volume;
  fractions.dtype = DType::kF32;
  const std::vector<float> values(fractions.voxels(), 0.1F);
  const auto bytes = std::as_bytes(std::span(values));
  fractions.data.assign(bytes.begin(), bytes.end());
  scene.scan.load(fractions, kTask);
  scene.scan.set_slices(scene.layout, {}, kImage);
  CHECK(!scene.masks(2, logits, MaskLevels::kRanks).at(0).stored_sum);
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
  const auto found = scene.masks(
      0, {masks_on_device.data(), ious_on_device.data(), DType::kF16, 2, 3, static_cast<int>(kLogits)},
      MaskLevels::kAll);
  for (std::size_t i : {0, 1}) {
    const std::size_t best = i == 0 ? 2 : 4;
    check_mask(found.at(i),
               scene.expected(std::span(logits).subspan(best * kLogits * kLogits, kLogits * kLogits)));
  }
}

std::vector<std::uint16_t> label_map(const Scene& scene, const ScanMasks& masks) {
  std::vector<LabelledMask> labelled;
  for (const OrganMask& organ : masks.organs)
    labelled.push_back({&organ, static_cast<std::uint16_t>(labelled.size() * 130 + 1)});
  std::vector<std::uint16_t> labels(scene.volume.voxels());
  assemble<std::uint16_t>(labelled, scene.layout, labels, kTask);
  return labels;
}

// In place of each level of a slice's masks its rank, by the definition.
void check_ranks(const ScanMasks& ranks, const ScanMasks& whole, std::int64_t slice) {
  const auto level_at = [&](const ScanMasks& masks, std::size_t organ, std::int64_t y, std::int64_t x) {
    const SliceMask& mask = masks.organs[organ].slices[slice];
    const bool inside =
        y >= mask.top && y < mask.top + mask.height && x >= mask.left && x < mask.left + mask.width;
    return inside ? mask.levels[(y - mask.top) * mask.width + x - mask.left] : std::uint16_t{0};
  };
  for (std::size_t organ = 0; organ < whole.organs.size(); ++organ) {
    const SliceMask &wanted = whole.organs[organ].slices[slice], &found = ranks.organs[organ].slices[slice];
    CHECK(found.top == wanted.top);
    CHECK(found.left == wanted.left);
    CHECK(found.height == wanted.height);
    CHECK(found.width == wanted.width);
    for (std::int64_t y = 0; y < whole.layout.height; ++y) {
      for (std::int64_t x = 0; x < whole.layout.width; ++x) {
        const int level = level_at(whole, organ, y, x);
        int expected = level == 0 ? 0 : kMostProbable;
        for (std::size_t other = 0; level > 0 && other < whole.organs.size(); ++other)
          expected -= level_at(whole, other, y, x) > level ? 1 : 0;
        REQUIRE(level_at(ranks, organ, y, x) == expected);
      }
    }
  }
}

TEST_CASE(
    "masks that come as bits and ranks make the label map of those that come whole, also filtered ones") {
  Scene scene;
  constexpr std::size_t kOrgans = 9;
  ScanMasks whole = scene.no_masks(kOrgans), ranks = whole;
  for (MaskLevels levels : {MaskLevels::kAll, MaskLevels::kRanks}) {
    ScanMasks& masks = levels == MaskLevels::kAll ? whole : ranks;
    for (std::int64_t slice : {1, 3}) {
      // The same mask twice: of equally probable organs the first one keeps a voxel.
      std::vector<float> logits = make_logits(kOrgans, 1, static_cast<unsigned>(slice));
      std::copy_n(logits.begin() + 2 * kLogits * kLogits, kLogits * kLogits, logits.begin());
      const DeviceValues on_device(plugin(), logits);
      const auto decode = [&](std::size_t from, int count) {
        const float* begin = static_cast<const float*>(on_device.data()) + from * kLogits * kLogits;
        scene.scan.decode_masks({begin, nullptr, DType::kF32, count, 1, static_cast<int>(kLogits)});
      };
      // The slice's masks in two calls, the second with more of them than the first.
      scene.scan.begin_masks(slice);
      decode(0, 1);
      decode(1, kOrgans - 1);
      scene.keep(kOrgans, levels, masks);
    }
    // Both slices come down together.
    CHECK(masks.organs[0].voxels() == 0);
    scene.scan.read_masks(masks, kTask);
    CHECK(masks.organs[0].voxels() > 0);
  }
  std::uint16_t least = kMostProbable;
  for (std::int64_t slice : {1, 3}) {
    check_ranks(ranks, whole, slice);
    for (const OrganMask& organ : ranks.organs) {
      for (const std::uint16_t level : organ.slices[slice].levels)
        if (level != 0) least = std::min(least, level);
    }
  }
  CHECK(least < kMostProbable - 2);  // so that values have three bits
  CHECK(label_map(scene, ranks) == label_map(scene, whole));
  // Where the more probable organ goes, the next one shows.
  for (ScanMasks* masks : {&whole, &ranks}) filter_components(masks->organs[2], {true, 0});
  for (ScanMasks* masks : {&whole, &ranks}) filter_components(masks->organs[0], {false, 1 << 20});
  CHECK(whole.organs[0].voxels() == 0);
  CHECK(label_map(scene, ranks) == label_map(scene, whole));
}

TEST_CASE("masks that fill their room on a GPU come down before others are kept") {
  Volume volume = make_volume();
  volume.shape = {1, 1100, 1000};
  volume.affine = {-1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1};
  volume.data.assign(volume.voxels() * sizeof(std::int16_t), std::byte{1});
  Scene scene(std::move(volume));
  const DeviceValues on_device(plugin(), std::vector<float>(4 * kLogits * kLogits, 1.0F));
  scene.scan.begin_masks(0);
  scene.scan.decode_masks({on_device.data(), nullptr, DType::kF32, 4, 1, static_cast<int>(kLogits)});
  std::array<ScanMasks, 3> turns = {scene.no_masks(4), scene.no_masks(4), scene.no_masks(4)};
  // 8.8 MB each time, in a room of 16 MiB.
  scene.keep(4, MaskLevels::kAll, turns[0]);
  CHECK(turns[0].organs[3].voxels() == 0);
  scene.keep(4, MaskLevels::kAll, turns[0]);
  CHECK(turns[0].organs[3].voxels() > 0);
  CHECK(turns[1].organs[3].voxels() == 0);
  scene.keep(4, MaskLevels::kAll, turns[1]);
  scene.scan.read_masks(turns[2], kTask);
  for (const ScanMasks& masks : turns) {
    for (const OrganMask& organ : masks.organs) {
      CHECK(organ.slices[0].levels == turns[0].organs[0].slices[0].levels);
      CHECK(organ.slices[0].stored_sum == 257.0 * 1100 * 1000);
    }
  }
}

TEST_CASE("wrong calls with masks are refused on a GPU") {
  Scene scene;
  const DeviceValues on_device(plugin(), make_logits(1, 1, 1));
  const DeviceLogits logits{on_device.data(), nullptr, DType::kF32, 1, 1, static_cast<int>(kLogits)};
  CHECK_THROWS_AS(scene.scan.decode_masks(logits), Error);
  CHECK_THROWS_AS(scene.scan.begin_masks(4), Error);
  scene.scan.begin_masks(0);
  CHECK_THROWS_AS(scene.scan.decode_masks({on_device.data(), nullptr, DType::kI16, 1, 1, 16}), Error);
  ScanMasks masks = scene.no_masks(1);
  CHECK_THROWS_AS(scene.keep(1, MaskLevels::kAll, masks), Error);  // of none that was decoded
  scene.keep(0, MaskLevels::kAll, masks);
  scene.scan.read_masks(masks, kTask);
  CHECK(masks.organs[0].voxels() == 0);
  scene.scan.decode_masks(logits);
  scene.keep(1, MaskLevels::kAll, masks);
  scene.scan.read_masks(masks, kTask);
  CHECK(masks.organs[0].voxels() > 0);

  void* session = nullptr;
  check(plugin(), plugin().open_session(0, nullptr, &session));
  std::int64_t bytes = 0;
  CHECK_THROWS_AS(check(plugin(), plugin().keep_masks(session, MEDLSAM_CUDA_RANKS, nullptr, &bytes)), Error);
  plugin().close_session(session);
}

}  // namespace
}  // namespace medlsam::cuda
