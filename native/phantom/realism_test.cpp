#include "phantom/realism.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "phantom/artefacts.hpp"
#include "phantom/phantom.hpp"

namespace medlsam::phantom {
namespace {

constexpr Realism kPoseOnly{.pose = true}, kTissueOnly{.tissue = true}, kScannerOnly{.scanner = true},
    kAll{.pose = true, .tissue = true, .scanner = true};

Task on(unsigned threads) {
  Task task;
  task.threads = threads;
  return task;
}

Phantom make(std::uint32_t seed, const Realism& realism, Region region = Region::kTrunk,
             unsigned threads = 2) {
  return make_phantom(seed, {region, std::array{6.0, 6.0, 6.0}, "LPS", realism}, on(threads));
}

std::vector<int> hu_of(const Phantom& phantom) {
  const auto* stored = reinterpret_cast<const std::int16_t*>(phantom.image.data.data());
  std::vector<int> hu(phantom.labels.data.size());
  for (std::size_t i = 0; i < hu.size(); ++i) {
    hu[i] = stored[i] + static_cast<int>(phantom.image.intercept);
  }
  return hu;
}

const std::uint8_t* labels_of(const Phantom& phantom) {
  return reinterpret_cast<const std::uint8_t*>(phantom.labels.data.data());
}

std::map<int, double> mean_hu(const Phantom& phantom) {
  const std::vector<int> hu = hu_of(phantom);
  std::map<int, double> sum, count;
  for (std::size_t i = 0; i < hu.size(); ++i) {
    sum[labels_of(phantom)[i]] += hu[i];
    count[labels_of(phantom)[i]] += 1;
  }
  for (auto& [label, value] : sum) value /= count[label];
  return sum;
}

TEST_CASE("realistic phantoms are the same bytes for any number of threads, and every part shows") {
  const Phantom one = make(3, kAll, Region::kTrunk, 1), many = make(3, kAll, Region::kTrunk, 5);
  CHECK((one.image.data == many.image.data));
  CHECK((one.labels.data == many.labels.data));
  std::set<std::string> images;
  for (const Realism& realism : {Realism{}, kPoseOnly, kTissueOnly, kScannerOnly, kAll}) {
    const Phantom phantom = make(3, realism);
    images.emplace(reinterpret_cast<const char*>(phantom.image.data.data()), phantom.image.data.size());
  }
  CHECK(images.size() == 5);
}

TEST_CASE("the HU of tissues are drawn anew, and labels stay where they were") {
  double moved = 0;
  for (std::uint32_t seed = 0; seed < 12; ++seed) {
    const Phantom plain = make(seed, {}, Region::kAbdomen),
                  varied = make(seed, kTissueOnly, Region::kAbdomen);
    CHECK((plain.labels.data == varied.labels.data));
    const auto hu = mean_hu(varied);
    moved += std::fabs(hu.at(kLiver) - mean_hu(plain).at(kLiver)) / 12;
    CHECK(hu.at(kLiver) > -30);
    CHECK(hu.at(kLiver) < 220);
  }
  CHECK(moved > 5);
}

TEST_CASE("scans with a free pose end anywhere, may be narrow, and show fewer organs") {
  double heights = 0, plain_heights = 0;
  int cut = 0;
  for (std::uint32_t seed = 0; seed < 400; ++seed) {
    Subject subject = draw_subject(seed);
    const Scan plain = plan_scan(subject, {Region::kTrunk, std::array{3.0, 3.0, 3.0}, "LPS"});
    const Scan free = plan_scan(subject, {Region::kTrunk, std::array{3.0, 3.0, 3.0}, "LPS", kPoseOnly});
    heights += static_cast<double>(free.shape[0]);
    plain_heights += static_cast<double>(plain.shape[0]);
    CHECK(free.shape[0] <= plain.shape[0]);
    CHECK(free.shape[0] * 3 >= 85);
    cut += free.shape[2] < plain.shape[2];
    CHECK_FALSE(free.surroundings.has_value());
    vary_build(subject);
    CHECK(subject.stature > 1200);
    CHECK(subject.stature < 2300);
  }
  CHECK(heights < 0.8 * plain_heights);
  CHECK(cut > 100);
  CHECK(cut < 300);
}

TEST_CASE("what stands outside the round field of view is the scanner's padding, and has no label") {
  std::set<int> paddings;
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    const Scan scan = plan_scan(draw_subject(seed), {{}, {}, "LPS", kScannerOnly});
    if (scan.circle) paddings.insert(static_cast<int>(scan.padding));
  }
  CHECK(paddings.size() >= 4);
  std::uint32_t seed = 0;
  const auto planned = [&] { return plan_scan(draw_subject(seed), {{}, {}, "LPS", kScannerOnly}); };
  while (!planned().circle || planned().padding > -2000) ++seed;
  const Phantom phantom = make(seed, kScannerOnly, Region::kThorax);
  CHECK(hu_of(phantom)[0] == static_cast<int>(phantom.scan.padding));
  CHECK(labels_of(phantom)[0] == kBackground);
}

TEST_CASE("metal has no label and outshines bone; the head of a replaced hip is gone") {
  Anatomy body(draw_subject(0));
  std::uint32_t seed = 0;
  const auto metal = [&] {
    body = Anatomy(draw_subject(seed));
    const std::size_t before = body.scene.shapes().size();
    add_metal(body);
    return std::span<const Shape>(body.scene.shapes()).subspan(before);
  };
  // A hip: the largest piece.
  const auto hip = [](const Shape& shape) { return shape.bounds.max.z - shape.bounds.min.z > 130; };
  while (std::ranges::none_of(metal(), hip)) ++seed;
  for (const Shape& shape : std::span<const Shape>(body.scene.shapes()).last(1)) {
    CHECK(shape.paint.hu > 3071);
    CHECK(shape.paint.label == kBackground);
  }
  const auto plain = mean_hu(make(seed, {})), replaced = mean_hu(make(seed, kScannerOnly));
  CHECK(plain.contains(kFemoralHeadLeft));
  CHECK(plain.contains(kFemoralHeadRight));
  CHECK_FALSE((replaced.contains(kFemoralHeadLeft) && replaced.contains(kFemoralHeadRight)));
}

TEST_CASE("metal throws streaks over its slice and no other") {
  Scan scan;
  scan.shape = {9, 40, 40};
  scan.spacing = {12, 4, 4};  // thicker than any slice's reach
  const std::size_t plane = 40 * 40;
  Rendering metal{std::vector<std::int16_t>(9 * plane, 40), std::vector<std::uint8_t>(9 * plane, kLiver)};
  Rendering plain = metal;
  for (const std::size_t at : {4 * plane + 20 * 40 + 20, 4 * plane + 20 * 40 + 21}) metal.hu[at] = 9000;
  const std::vector<std::uint8_t> labels = metal.labels;
  add_artefacts(metal, scan, 7, on(2));
  add_artefacts(plain, scan, 7, on(2));
  CHECK((metal.labels == labels));
  const auto [low, high] =
      std::minmax_element(metal.hu.begin() + 4 * plane, metal.hu.begin() + 4 * plane + 760);
  CHECK(*high - *low > 40);
  for (const std::size_t slice : {0, 3, 5, 8}) {
    CAPTURE(slice);
    CHECK(std::equal(metal.hu.begin() + static_cast<std::ptrdiff_t>(slice * plane),
                     metal.hu.begin() + static_cast<std::ptrdiff_t>((slice + 1) * plane),
                     plain.hu.begin() + static_cast<std::ptrdiff_t>(slice * plane)));
  }
}

TEST_CASE("a cancelled realistic phantom ends") {
  Task task = on(2);
  task.cancelled = std::make_shared<Cancellation>(true);
  CHECK_THROWS_AS(make_phantom(1, {{}, {}, "", kAll}, task), Error);
}

}  // namespace
}  // namespace medlsam::phantom
