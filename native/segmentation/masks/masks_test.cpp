#include <algorithm>
#include <array>
#include <cmath>

#include "metrics/overlap.hpp"
#include "segmentation/masks/assemble.hpp"
#include "segmentation/masks/components.hpp"
#include "segmentation/masks/decode.hpp"
#include "testing/segmentation_data.hpp"

using namespace medlsam;
using namespace medlsam::test;

namespace {

std::vector<std::uint8_t> foreground(const std::vector<float>& probabilities) {
  std::vector<std::uint8_t> mask(probabilities.size());
  std::transform(probabilities.begin(), probabilities.end(), mask.begin(),
                 [](float probability) { return std::uint8_t{probability > kForeground}; });
  return mask;
}

// Conformance masks of one kind, decoded from their logits: all Dice above 0.999.
void check_masks(const std::string& kind, std::int64_t height, std::int64_t width) {
  const Checkpoint answers = open_checkpoint(CONFORMANCE_DIR "/sam/forward.safetensors");
  const MaskDecoder decoder(64, 256, height, width);
  std::vector<float> probabilities(height * width);
  for (const char* slice : {"0", "1", "2"}) {
    const auto logits = values_of<float>(answers, std::string(slice) + ".logits");
    const auto expected = values_of<std::uint8_t>(answers, std::string(slice) + kind);
    for (std::size_t box = 0; box < 4; ++box) {
      decoder.decode(std::span(logits).subspan(box * 64 * 64, 64 * 64), probabilities);
      const auto mask = std::span(expected).subspan(box * probabilities.size(), probabilities.size());
      CHECK(dice(foreground(probabilities), mask) > 0.9999);
    }
  }
}

// A mask whose slices are drawn: '.' is background, a digit d the probability 0.5 + d/20.
OrganMask drawn(const SliceLayout& layout, const std::vector<std::string>& slices) {
  OrganMask mask(layout);
  for (std::size_t z = 0; z < slices.size(); ++z) {
    std::vector<float> probabilities;
    for (char c : slices[z])
      probabilities.push_back(c == '.' ? 0.25f : 0.5f + static_cast<float>(c - '0') / 20);
    mask.slices[z] = crop_mask(probabilities, layout.height, layout.width);
  }
  return mask;
}

std::vector<std::uint8_t> assembled(const std::vector<LabelledMask>& masks, const SliceLayout& layout) {
  std::vector<std::uint8_t> out(layout.count * layout.pixels(), 99);
  assemble<std::uint8_t>(masks, layout, out, two_threads());
  return out;
}

}  // namespace

TEST_CASE("masks: decoded to the slice's and to the model's pixels") {
  check_masks(".mask_slice_px", 130, 150);
  check_masks(".mask_model_px", 256, 256);
}

TEST_CASE("masks: of slices larger than the model's image, and of a single pixel") {
  const std::vector<float> logits = {-100, 100, -100, 100};  // 2 × 2: right half on
  std::vector<float> probabilities(16 * 20);
  MaskDecoder(2, 8, 16, 20).decode(logits, probabilities);
  // Model pixels 0 … 7 are 0 0 ⅛ ⅜ ⅝ ⅞ 1 1; slice column x samples pixel ⌊8x/20⌋.
  for (std::int64_t x = 0; x < 20; ++x) {
    constexpr std::array<float, 8> kRamp = {0, 0, 0.125f, 0.375f, 0.625f, 0.875f, 1, 1};
    CHECK(probabilities[3 * 20 + x] == doctest::Approx(kRamp[x * 8 / 20]));
  }
  std::vector<float> one(1);
  MaskDecoder(1, 4, 1, 1).decode(std::vector<float>{0}, one);
  CHECK(one[0] == 0.5f);
  check_refused([&] { MaskDecoder(2, 8, 16, 20).decode(logits, one); }, "4 logits and 320 pixels");
  check_refused([] { MaskDecoder(2, 8, 0, 20); }, "length of 0");
}

TEST_CASE("masks: sampled in the pixels' middles where training had them") {
  // Rows of the image become 0 … 1 evenly: a pixel's probability tells where its sample lies.
  constexpr std::int64_t kLogits = 24, kEdge = 96, kLength = 32;
  std::vector<float> logits(kLogits * kLogits), published(kLength * kLength), centers(published);
  for (std::int64_t i = 0; i < kLogits * kLogits; ++i) {
    const float probability = (static_cast<float>(i / kLogits) + 0.5f) / kLogits;
    logits[i] = std::log(probability / (1 - probability));
  }
  MaskDecoder(kLogits, kEdge, kLength, kLength).decode(logits, published);
  MaskDecoder(kLogits, kEdge, kLength, kLength, MaskSampling::kCenters).decode(logits, centers);
  for (std::int64_t y = 1; y < kLength - 1; ++y) {  // the outermost lie outside the logits' middles
    CHECK(centers[y * kLength] == doctest::Approx((static_cast<double>(y) + 0.5) / kLength));
    CHECK(published[y * kLength] == doctest::Approx((static_cast<double>(3 * y) + 0.5) / kEdge));
  }
}

TEST_CASE("masks: cropped to their foreground") {
  const float nan = std::nanf("");
  const std::vector<float> probabilities = {0, 0.5f, 0, 0, 0,      //
                                            0, 0,    1, 0, 0.51f,  //
                                            0, nan,  0, 0, 0};
  const SliceMask mask = crop_mask(probabilities, 3, 5);
  CHECK(mask.top == 1);
  CHECK(mask.left == 2);
  CHECK(mask.height == 1);
  REQUIRE(mask.width == 3);
  CHECK(mask.levels[0] == 65535);
  CHECK(mask.levels[1] == 0);
  CHECK(mask.levels[2] > 1);
  CHECK(crop_mask(std::vector<float>(6, 0.5f), 2, 3).empty());
  // Any foreground is kept, however near to ½.
  CHECK(crop_mask(std::vector<float>{std::nextafter(0.5f, 1.0f)}, 1, 1).levels ==
        std::vector<std::uint16_t>{1});
  check_refused([&] { crop_mask(probabilities, 3, 4); }, "3 by 4 pixels came with 15");
}

TEST_CASE("masks: overlaps go to the more probable organ, ties to the first") {
  const SliceLayout layout = slice_layout(affine_of("LPS"), {2, 2, 3});
  const OrganMask first = drawn(layout, {"55....", "......"}), second = drawn(layout, {"385...", ".....1"}),
                  third = drawn(layout, {"..5...", "......"});
  const auto labels = assembled({{&first, 1}, {&second, 2}, {&third, 255}}, layout);
  CHECK(labels == std::vector<std::uint8_t>{1, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 2});
  CHECK(second.voxels() == 4);
}

TEST_CASE("masks: assembled on the stored grid of every orientation") {
  for (const char* codes : {"LPS", "RAI", "SLP", "PSL", "ASR", "IRA"}) {
    CAPTURE(codes);
    const Index3 shape = {4, 3, 5};
    const SliceLayout layout = slice_layout(affine_of(codes), shape);
    OrganMask mask(layout);
    std::vector<float> probabilities(layout.pixels());
    const std::int64_t z = layout.count - 1, y = 1, x = layout.width - 1;
    probabilities[y * layout.width + x] = 1;
    mask.slices[z] = crop_mask(probabilities, layout.height, layout.width);
    Index3 stored;
    stored[layout.axis[0]] = z;
    stored[layout.axis[1]] = y;
    stored[layout.axis[2]] = x;
    const auto volume = assembled({{&mask, 1}}, layout);
    CHECK(std::count(volume.begin(), volume.end(), 1) == 1);
    CHECK(volume[(stored[0] * shape[1] + stored[1]) * shape[2] + stored[2]] == 1);
  }
}

TEST_CASE("masks: what cannot be assembled") {
  const SliceLayout layout = slice_layout(affine_of("LPS"), {2, 2, 3}),
                    larger = slice_layout(affine_of("LPS"), {2, 3, 3}),
                    thicker = slice_layout(affine_of("LPS"), {3, 2, 3});
  const OrganMask mask = drawn(layout, {"......", "......"}),
                  tall = drawn(larger, {"........1", "........."}), thick(thicker);
  check_refused([&] { assembled({{&mask, 0}}, layout); }, "label 0");
  check_refused([&] { assembled({{&mask, 256}}, layout); }, "1 to 255");
  check_refused([&] { assembled({{&tall, 1}}, layout); }, "beyond its slice");
  check_refused([&] { assembled({{&thick, 1}}, layout); }, "3 slices, the volume 2");
  std::vector<std::uint16_t> small(3), out(12);
  check_refused([&] { assemble<std::uint16_t>({}, layout, small, {}); }, "12 voxels; the buffer has 3");
  const OrganMask one = drawn(layout, {"1.....", "......"});
  const LabelledMask labelled{&one, 300};
  assemble<std::uint16_t>({&labelled, 1}, layout, out, {});
  CHECK(out[0] == 300);
}

TEST_CASE("masks: components touch by corners, across slices too") {
  const SliceLayout layout = slice_layout(affine_of("LPS"), {3, 3, 5});
  OrganMask mask = drawn(layout, {"1...."
                                  "....."
                                  "....1",
                                  "....."
                                  ".1..."
                                  ".....",
                                  "..1.."
                                  "....."
                                  "....1"});
  CHECK(mask.voxels() == 5);
  filter_components(mask, {});
  CHECK(mask.voxels() == 5);
  filter_components(mask, {.min_voxels = 2});  // (0,0,0) (1,1,1) (2,0,2) hang together
  const OrganMask expected = drawn(layout, {"1..............", "......1........", "..1............"});
  CHECK(assembled({{&mask, 1}}, layout) == assembled({{&expected, 1}}, layout));
  filter_components(mask, {.min_voxels = 4});
  CHECK(mask.voxels() == 0);
  filter_components(mask, {.largest_only = true});
  CHECK(mask.voxels() == 0);
}

TEST_CASE("masks: the largest of components that only meet late") {
  const SliceLayout layout = slice_layout(affine_of("LPS"), {1, 4, 9});
  OrganMask mask = drawn(layout, {"1.1.1..11"
                                  "1.1.1..11"
                                  "111.1..11"
                                  "........."});
  filter_components(mask, {.largest_only = true});
  const OrganMask u = drawn(layout, {"1.1......"
                                     "1.1......"
                                     "111......"
                                     "........."});
  CHECK(assembled({{&mask, 1}}, layout) == assembled({{&u, 1}}, layout));
}
