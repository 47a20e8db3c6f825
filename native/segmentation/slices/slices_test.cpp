#include <algorithm>
#include <cmath>
#include <limits>

#include "segmentation/slices/prompts.hpp"
#include "segmentation/slices/resize.hpp"
#include "segmentation/slices/window.hpp"
#include "testing/segmentation_data.hpp"
#include "volumes/read.hpp"

using namespace medlsam;
using namespace medlsam::test;

namespace {

const std::string kForward = CONFORMANCE_DIR "/sam/forward.safetensors";

template <class Value>
Volume volume_of(const Index3& shape, const std::vector<Value>& values, DType dtype,
                 const std::string& codes = "LAS") {
  Volume volume;
  volume.shape = shape;
  volume.dtype = dtype;
  volume.affine = affine_of(codes);
  volume.data.resize(values.size() * sizeof(Value));
  std::memcpy(volume.data.data(), values.data(), volume.data.size());
  return volume;
}

std::vector<std::uint8_t> windowed(const Volume& volume, const SliceLayout& layout, std::int64_t z,
                                   const Window& window) {
  std::vector<std::uint8_t> out(layout.pixels());
  window_slice(volume, layout, z, window, out);
  return out;
}

// How many differ, and by how much at most.
struct Difference {
  double part = 0;
  int greatest = 0;
};

Difference compare(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  REQUIRE(a.size() == b.size());
  Difference difference;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference.greatest = std::max(difference.greatest, std::abs(a[i] - b[i]));
    difference.part += a[i] != b[i];
  }
  difference.part /= static_cast<double>(a.size());
  return difference;
}

}  // namespace

TEST_CASE("slices: windowed as the published code does") {
  const Checkpoint answers = open_checkpoint(kForward);
  const auto hu = values_of<std::int16_t>(answers, "volume_slices_hu");
  const auto range = values_of<double>(answers, "clip_min_max_of_volume");
  const Volume volume = volume_of({3, 130, 150}, hu, DType::kI16);
  const SliceLayout layout = slice_layout(volume.affine, volume.shape);
  const auto expected = values_of<std::uint8_t>(answers, "slices_u8");
  for (std::int64_t z = 0; z < 3; ++z) {
    const auto slice = windowed(volume, layout, z, {range[0], range[1], true});
    CHECK(std::equal(slice.begin(), slice.end(), expected.begin() + z * layout.pixels()));
  }
}

TEST_CASE("slices: are those of the array as stored, unflipped") {
  const Checkpoint answers = open_checkpoint(kForward);
  const Volume volume = read_volume(CONFORMANCE_DIR "/ct/q.nii.gz", {}, {});  // stored LPS
  const Window window = slice_window(volume, Conventions::kReference, two_threads());
  const auto range = values_of<double>(answers, "clip_min_max_of_volume");
  CHECK(window.low == range[0]);
  CHECK(window.high == range[1]);
  const SliceLayout layout = slice_layout(volume.affine, volume.shape);
  REQUIRE(layout.count == 110);
  const auto expected = values_of<std::uint8_t>(answers, "slices_u8");
  const auto slice = windowed(volume, layout, 30, window);
  CHECK(std::equal(slice.begin(), slice.end(), expected.begin()));
}

TEST_CASE("slices: of permuted volumes are axial, in-plane axes in place, directions kept") {
  // Value 100·z + 10·y + x of LPS, stored as SLP: x fastest is superior, then left, then posterior.
  std::vector<std::int16_t> values(4 * 3 * 2);
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 3; ++x) {
      for (int z = 0; z < 2; ++z)
        values[(y * 3 + x) * 2 + z] = static_cast<std::int16_t>(100 * z + 10 * y + x);
    }
  }
  const Volume volume = volume_of({4, 3, 2}, values, DType::kI16, "SLP");
  const SliceLayout layout = slice_layout(volume.affine, volume.shape);
  CHECK(layout.count == 2);
  CHECK(layout.height == 4);
  CHECK(layout.width == 3);
  const auto slice = windowed(volume, layout, 1, {0, 255, false});
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 3; ++x) CHECK(slice[y * 3 + x] == 100 + 10 * y + x);
  }
}

TEST_CASE("slices: the two conventions' windows") {
  const Volume volume = volume_of<float>({1, 1, 6}, {-2000, -500, 0, 250, 1000, 3000}, DType::kF32);
  const SliceLayout layout = slice_layout(volume.affine, volume.shape);
  const Window exact = slice_window(volume, Conventions::kExact, {});
  CHECK(windowed(volume, layout, 0, exact) == std::vector<std::uint8_t>{0, 0, 85, 127, 255, 255});
  const Window reference = slice_window(volume, Conventions::kReference, {});
  CHECK(windowed(volume, layout, 0, reference) == std::vector<std::uint8_t>{0, 0, 0, 127, 255, 255});
}

TEST_CASE("slices: slope, NaN, and a volume of one value") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Volume volume = volume_of<float>({1, 1, 4}, {nan, 1024, 1274, 2024}, DType::kF32);
  volume.intercept = -1024;
  const SliceLayout layout = slice_layout(volume.affine, volume.shape);
  CHECK(windowed(volume, layout, 0, {}) == std::vector<std::uint8_t>{0, 85, 127, 255});
  const Window reference = slice_window(volume, Conventions::kReference, {});
  CHECK(reference.low == 0);
  CHECK(reference.high == 1000);

  const Volume flat = volume_of<float>({1, 1, 2}, {40, 40}, DType::kF32);
  const Window empty = slice_window(flat, Conventions::kReference, {});
  CHECK(windowed(flat, slice_layout(flat.affine, flat.shape), 0, empty) == std::vector<std::uint8_t>{0, 0});
  check_refused([&] { windowed(volume, layout, 1, {}); }, "no slice 1");
  std::vector<std::uint8_t> small(3);
  check_refused([&] { window_slice(volume, layout, 0, {}, small); }, "4 pixels; the buffer has 3");
}

TEST_CASE("slices: resized as skimage does") {
  const Checkpoint answers = open_checkpoint(kForward);
  const auto slices = values_of<std::uint8_t>(answers, "slices_u8");
  const auto expected = values_of<std::uint8_t>(answers, "resized_u8");
  constexpr std::size_t kPixels = 130 * 150, kResized = 256 * 256;
  SliceResizer resizer(130, 150, 256);
  std::vector<std::uint8_t> out(kResized);
  for (std::size_t z = 0; z < 3; ++z) {
    resizer.resize(std::span(slices).subspan(z * kPixels, kPixels), out);
    const Difference difference = compare(out, std::span(expected).subspan(z * kResized, kResized));
    CHECK(difference.greatest <= 1);
    CHECK(difference.part < 1e-3);
  }
}

TEST_CASE("slices: shrunk with anti-aliasing") {
  const Checkpoint answers = open_checkpoint(kForward);
  const auto big = values_of<std::uint8_t>(answers, "big_u8");
  std::vector<std::uint8_t> out(256 * 256);
  SliceResizer(390, 440, 256).resize(big, out);
  const Difference difference = compare(out, values_of<std::uint8_t>(answers, "big_resized_u8"));
  CHECK(difference.greatest <= 1);
  CHECK(difference.part < 1e-3);
}

TEST_CASE("slices: a flat interior keeps its value at every size, and nothing overshoots") {
  for (std::int64_t edge : {40, 64, 100, 256}) {
    std::vector<std::uint8_t> flat(64 * 64, 77), out(edge * edge);
    flat[0] = 0;  // a range, so that clipping cannot hide an error
    flat[63] = 255;
    SliceResizer(64, 64, edge).resize(flat, out);
    for (std::int64_t y = edge / 2; y < edge - edge / 4; ++y) {
      for (std::int64_t x = edge / 4; x < edge - edge / 4; ++x) REQUIRE(out[y * edge + x] == 77);
    }
  }
  std::vector<std::uint8_t> step(16 * 16, 20), out(64 * 64);
  std::fill(step.begin() + 128, step.end(), std::uint8_t{200});
  SliceResizer(16, 16, 64).resize(step, out);
  CHECK(*std::min_element(out.begin(), out.end()) == 20);
  CHECK(*std::max_element(out.begin(), out.end()) == 200);
}

TEST_CASE("slices: resizing the same size changes nothing; other sizes are refused") {
  std::vector<std::uint8_t> slice(9 * 9), out(9 * 9);
  for (std::size_t i = 0; i < slice.size(); ++i) slice[i] = static_cast<std::uint8_t>(i * 97);
  SliceResizer resizer(9, 9, 9);
  resizer.resize(slice, out);
  CHECK(out == slice);
  SliceResizer one(1, 1, 3);
  std::vector<std::uint8_t> pixel = {9}, nine(9);
  one.resize(pixel, nine);
  CHECK(nine == std::vector<std::uint8_t>(9, 9));  // clipped to the range of the one pixel
  check_refused([&] { resizer.resize(pixel, out); }, "9 by 9");
  check_refused([] { SliceResizer(0, 5, 9); }, "height of 0");
  check_refused([] { SliceResizer(5, 5, 1 << 20); }, "1048576");
}

TEST_CASE("prompts: scaled, rounded half to even, grown, not clipped") {
  const SliceLayout layout = slice_layout(affine_of("LPS"), {20, 256, 512});
  // x: 5·2 = 10, 511·2 = 1022; y: 1·4 = 4, 255·4 = 1020.
  CHECK(box_prompt({{0, 1, 5}, {3, 255, 511}}, layout, 1024) == PromptBox{0, -6, 1032, 1030});
  // Half to even: 1·256/512 = 0.5 → 0, 3·0.5 = 1.5 → 2; y: 1 and 3 stay.
  CHECK(box_prompt({{0, 1, 1}, {3, 3, 3}}, layout, 256) == PromptBox{-10, -9, 12, 13});
  // Stored SLP: (z, y, x) = (posterior, left, superior).
  const SliceLayout permuted = slice_layout(affine_of("SLP"), {256, 512, 20});
  CHECK(box_prompt({{1, 5, 0}, {255, 511, 3}}, permuted, 1024) == PromptBox{0, -6, 1032, 1030});
}

TEST_CASE("prompts: every slice once, later parts first, absent organs not at all") {
  const SliceLayout layout = slice_layout(affine_of("LPS"), {20, 64, 64});
  const VoxelBox low{{2, 1, 1}, {5, 9, 9}}, high{{5, 2, 2}, {7, 8, 8}}, other{{5, 0, 0}, {5, 63, 63}};
  const std::vector<OrganPrompt> organs = {{{low, high}, {}}, {}, {{other}, {}}};
  const auto plan = plan_prompts(organs, layout, 64);
  REQUIRE(plan.size() == 6);  // slices 2 … 7
  CHECK(plan.front().slice == 2);
  CHECK(plan.back().slice == 7);
  REQUIRE(plan[0].prompts.size() == 1);
  CHECK(plan[0].prompts[0].organ == 0);
  CHECK(plan[0].prompts[0].box == PromptBox{-9, -9, 19, 19});
  CHECK(plan[3].slice == 5);
  REQUIRE(plan[3].prompts.size() == 2);
  CHECK(plan[3].prompts[0].box == PromptBox{-8, -8, 18, 18});
  CHECK(plan[3].prompts[1].organ == 2);
  CHECK(plan[3].prompts[1].box == PromptBox{-10, -10, 73, 73});
}

TEST_CASE(
    "prompts: points on their own slices, beside the box where there is one, none of background alone") {
  const SliceLayout layout = slice_layout(affine_of("LPS"), {20, 64, 32});
  const VoxelBox box{{2, 1, 1}, {3, 9, 9}};
  const std::vector<OrganPrompt> organs = {
      {{box}, {{{3, 4, 5}, true}, {{9, 0, 31}, false}, {{9, 4, 5}, true}, {{12, 4, 5}, false}}}};
  const auto plan = plan_prompts(organs, layout, 64);
  REQUIRE(plan.size() == 3);
  CHECK(plan[0].prompts[0].points.empty());
  REQUIRE(plan[1].prompts[0].points.size() == 1);
  CHECK(plan[1].prompts[0].box.has_value());
  CHECK(plan[1].prompts[0].points[0].x == 10.5f);  // two pixels wide: 10 and 11
  CHECK(plan[1].prompts[0].points[0].y == 4);
  CHECK(plan[2].slice == 9);
  CHECK(!plan[2].prompts[0].box.has_value());
  REQUIRE(plan[2].prompts[0].points.size() == 2);
  CHECK(!plan[2].prompts[0].points[0].foreground);
  const std::vector<OrganPrompt> outside = {{{}, {{{20, 0, 0}, true}}}};
  check_refused([&] { plan_prompts(outside, layout, 64); }, "from 20 to 20 along stored z");
}

TEST_CASE("prompts: boxes that are no boxes of this volume") {
  const SliceLayout layout = slice_layout(affine_of("LPS"), {20, 64, 64});
  check_refused(
      [&] {
        box_prompt({{5, 0, 0}, {4, 9, 9}}, layout, 64);
      },
      "stored z: its bounds are exchanged");
  check_refused(
      [&] {
        box_prompt({{0, 64, 0}, {4, 70, 9}}, layout, 64);
      },
      "from 64 to 70 along stored y, outside the volume, which has voxels 0 to 63");
  check_refused([&] { box_prompt({{0, 0, -9}, {4, 9, -1}}, layout, 64); }, "from -9 to -1 along stored x");
}

TEST_CASE("prompts: a part outside the volume prompts nothing, an organ outside is refused") {
  const SliceLayout layout = slice_layout(affine_of("SLP"), {64, 48, 20});
  const VoxelBox inside{{5, 6, 2}, {9, 9, 3}}, above{{5, 6, 20}, {9, 9, 22}}, beside{{70, 6, 2}, {80, 9, 3}};
  const auto plan = [&](const std::vector<VoxelBox>& parts) {
    const std::vector<OrganPrompt> organs = {{parts, {}}};
    return plan_prompts(organs, layout, 64);
  };
  const auto alone = plan({inside}), with_others = plan({above, inside, beside});
  REQUIRE(with_others.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(with_others[i].slice == alone[i].slice);
    CHECK(with_others[i].prompts[0].box == alone[i].prompts[0].box);
  }
  check_refused([&] { plan({above, beside}); }, "from 20 to 22 along stored x, outside the volume");
  check_refused([&] { plan({inside, {{9, 6, 2}, {5, 9, 3}}}); }, "its bounds are exchanged");
}

TEST_CASE("prompts: a box that reaches out of the volume keeps its bounds on the slices there are") {
  const SliceLayout layout = slice_layout(affine_of("LPS"), {20, 64, 64});
  const VoxelBox box{{-3, -5, 0}, {1, 9, 70}};
  const std::vector<OrganPrompt> organs = {{{box}, {}}};
  const auto plan = plan_prompts(organs, layout, 64);
  REQUIRE(plan.size() == 2);
  CHECK(plan[0].slice == 0);
  CHECK(plan[1].prompts[0].box == PromptBox{-10, -15, 80, 19});
}
