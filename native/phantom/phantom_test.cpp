#include "phantom/phantom.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <set>

#include "volumes/orientation.hpp"

namespace medlsam::phantom {
namespace {

ScanOptions coarse(Region region, double mm, const char* axes = "LPS") {
  return {region, std::array{mm, mm, mm}, axes};
}

Task on(unsigned threads) {
  Task task;
  task.threads = threads;
  return task;
}

struct Measured {
  double ml = 0, hu = 0, left = 0;  // left: mean position in mm towards the patient's left
};

std::map<int, Measured> measure(const Phantom& phantom) {
  std::map<int, Measured> organs;
  const auto* labels = reinterpret_cast<const std::uint8_t*>(phantom.labels.data.data());
  const auto* values = reinterpret_cast<const std::int16_t*>(phantom.image.data.data());
  const auto [sz, sy, sx] = spacing(phantom.labels.affine);
  const auto [nz, ny, nx] = phantom.labels.shape;
  const Affine& affine = phantom.labels.affine;
  for (std::int64_t z = 0, at = 0; z < nz; ++z) {
    for (std::int64_t y = 0; y < ny; ++y) {
      for (std::int64_t x = 0; x < nx; ++x, ++at) {
        Measured& organ = organs[labels[at]];
        organ.ml += 1;
        organ.hu += values[at] + phantom.image.intercept;
        organ.left -= affine[0] * static_cast<double>(x) + affine[1] * static_cast<double>(y) +
                      affine[2] * static_cast<double>(z) + affine[3];
      }
    }
  }
  for (auto& [label, organ] : organs) {
    organ.hu /= organ.ml;
    organ.left /= organ.ml;
    organ.ml *= sx * sy * sz / 1000;
  }
  return organs;
}

struct Range {
  double ml_min, ml_max, hu_min, hu_max;
};

// Limits for adults, generous ones.
const std::map<int, Range> kPlausible = {
    {kBrain, {950, 2000, 15, 60}},           {kEyeLeft, {3, 13, -20, 60}},
    {kEyeRight, {3, 13, -20, 60}},           {kMandible, {25, 110, 350, 1200}},
    {kParotidLeft, {8, 50, -60, 100}},       {kParotidRight, {8, 50, -60, 100}},
    {kSpinalCanal, {80, 300, -40, 60}},      {kTrachea, {12, 70, -1024, -650}},
    {kLungLeft, {900, 5000, -900, -650}},    {kLungRight, {900, 5000, -900, -650}},
    {kHeart, {220, 1100, 20, 260}},          {kAorta, {90, 550, 5, 380}},
    {kLiver, {800, 2900, 0, 160}},           {kGallbladder, {6, 90, -20, 80}},
    {kSpleen, {50, 500, 25, 180}},           {kStomach, {80, 900, -700, 280}},
    {kPancreas, {25, 180, -20, 150}},        {kKidneyLeft, {60, 420, 10, 260}},
    {kKidneyRight, {60, 420, 10, 260}},      {kBladder, {25, 600, -5, 45}},
    {kFemoralHeadLeft, {22, 110, 180, 520}}, {kFemoralHeadRight, {22, 110, 180, 520}},
};

TEST_CASE("a whole-body phantom has every organ that was not taken out, as large and as dense as in people") {
  for (std::uint32_t seed = 0; seed < 8; ++seed) {
    const Phantom phantom = make_phantom(seed, coarse(Region::kWhole, 3), on(2));
    const auto organs = measure(phantom);
    for (const auto& [label, range] : kPlausible) {
      CAPTURE(seed);
      CAPTURE(kOrganNames[label]);
      const auto found = organs.find(label);
      REQUIRE((found != organs.end()) == phantom.subject.present[label]);
      if (found == organs.end()) continue;
      CHECK(found->second.ml > range.ml_min);
      CHECK(found->second.ml < range.ml_max);
      CHECK(found->second.hu > range.hu_min);
      CHECK(found->second.hu < range.hu_max);
    }
    CHECK(organs.size() <= kOrganEnd);
  }
}

TEST_CASE("left is left, whatever the stored axes") {
  for (const char* axes : {"LPS", "RAS", "SAL", "PIR"}) {
    const auto organs = measure(make_phantom(5, coarse(Region::kWhole, 4, axes), on(2)));
    CAPTURE(axes);
    for (const auto& [left, right] : {std::pair{kEyeLeft, kEyeRight},
                                      {kParotidLeft, kParotidRight},
                                      {kLungLeft, kLungRight},
                                      {kKidneyLeft, kKidneyRight},
                                      {kFemoralHeadLeft, kFemoralHeadRight},
                                      {kSpleen, kLiver}}) {
      CHECK(organs.at(left).left > organs.at(right).left + 30);
    }
  }
}

// Stored values in LAS order.
template <class T>
std::vector<T> in_las(const Volume& volume) {
  const Orientation orientation = las_orientation(volume.affine);
  const Index3 shape = orientation.las_shape(volume.shape);
  const Affine to_stored = orientation.las_to_stored(volume.shape);
  const auto* stored = reinterpret_cast<const T*>(volume.data.data());
  std::vector<T> values;
  for (std::int64_t z = 0; z < shape[0]; ++z) {
    for (std::int64_t y = 0; y < shape[1]; ++y) {
      for (std::int64_t x = 0; x < shape[2]; ++x) {
        std::int64_t at[3];
        for (int a = 0; a < 3; ++a) {
          at[a] = std::llround(to_stored[4 * a] * static_cast<double>(x) +
                               to_stored[4 * a + 1] * static_cast<double>(y) +
                               to_stored[4 * a + 2] * static_cast<double>(z) + to_stored[4 * a + 3]);
        }
        values.push_back(stored[(at[2] * volume.shape[1] + at[1]) * volume.shape[2] + at[0]]);
      }
    }
  }
  return values;
}

std::vector<std::string> all_axes() {
  std::vector<std::string> all;
  std::string letters = "ALS";
  do {
    for (int flips = 0; flips < 8; ++flips) {
      std::string axes = letters;
      for (int a = 0; a < 3; ++a) {
        if (flips >> a & 1) axes[a] = axes[a] == 'A' ? 'P' : axes[a] == 'L' ? 'R' : 'I';
      }
      all.push_back(axes);
    }
  } while (std::ranges::next_permutation(letters).found);
  return all;
}

TEST_CASE("all 48 axis orders store the same scan") {
  const ScanOptions options{Region::kAbdomen, std::array{7.0, 5.0, 6.0}, "LAS"};
  const Phantom las = make_phantom(3, options, on(2));
  const auto image = in_las<std::int16_t>(las.image);
  const auto labels = in_las<std::uint8_t>(las.labels);
  const auto las_organs = measure(las);
  std::set<std::string> seen;
  for (const std::string& axes : all_axes()) {
    CAPTURE(axes);
    const Phantom phantom = make_phantom(3, {Region::kAbdomen, options.spacing, axes}, on(2));
    CHECK(axis_codes(phantom.image.affine) == axes);
    CHECK(phantom.image.affine == phantom.labels.affine);
    CHECK((in_las<std::int16_t>(phantom.image) == image));
    CHECK((in_las<std::uint8_t>(phantom.labels) == labels));
    // The same place in the scanner, too.
    CHECK(measure(phantom).at(kLiver).left == doctest::Approx(las_organs.at(kLiver).left));
    seen.insert(axes);
  }
  CHECK(seen.size() == 48);
}

TEST_CASE("the same bytes for any number of threads; others for another seed") {
  const auto bytes = [](std::uint32_t seed, unsigned threads) {
    const Phantom phantom = make_phantom(seed, coarse(Region::kTrunk, 5), on(threads));
    return std::pair{phantom.image.data, phantom.labels.data};
  };
  const auto one = bytes(11, 1);
  CHECK((bytes(11, 1) == one));
  CHECK((bytes(11, 2) == one));
  CHECK((bytes(11, 7) == one));
  CHECK_FALSE((bytes(12, 1) == one));
}

TEST_CASE("options change what they name and nothing else") {
  const Subject subject = draw_subject(21);
  const Scan plain = plan_scan(subject, {});
  const Scan scan = plan_scan(subject, {plain.region, std::array{4.0, 4.0, 4.0}, "PIR"});
  CHECK(scan.axes == "PIR");
  CHECK(scan.noise == plain.noise);
  CHECK(scan.shift == plain.shift);
  CHECK(scan.first[0] == plain.first[0]);
  CHECK(scan.table_y == plain.table_y);
}

TEST_CASE("scans vary as in the clinic, and organs are missing as often as said") {
  constexpr int kSeeds = 4000;
  std::map<int, int> missing, regions, arms, phases;
  std::set<std::string> axes;
  for (int seed = 0; seed < kSeeds; ++seed) {
    const Subject subject = draw_subject(static_cast<std::uint32_t>(seed));
    const Scan scan = plan_scan(subject, {});
    for (int organ = 1; organ < kOrganEnd; ++organ) missing[organ] += !subject.present[organ];
    ++regions[static_cast<int>(scan.region)];
    ++arms[static_cast<int>(subject.arms)];
    ++phases[static_cast<int>(subject.phase)];
    axes.insert(scan.axes);
    CHECK(scan.spacing[0] >= scan.spacing[1]);
    CHECK(scan.spacing[1] >= 0.7 - 1e-6);
    CHECK(scan.spacing[0] <= 5);
  }
  const auto rate = [](int count) { return static_cast<double>(count) / kSeeds; };
  CHECK(rate(missing[kGallbladder]) == doctest::Approx(0.12).epsilon(0.2));
  CHECK(rate(missing[kSpleen]) == doctest::Approx(0.05).epsilon(0.3));
  CHECK(rate(missing[kKidneyLeft]) == doctest::Approx(0.04).epsilon(0.3));
  CHECK(rate(missing[kKidneyRight]) == doctest::Approx(0.04).epsilon(0.3));
  CHECK(missing[kLiver] == 0);
  CHECK(regions.size() == 5);
  CHECK(arms.size() == 3);
  CHECK(phases.size() == 3);
  CHECK(axes.size() == 48);
}

TEST_CASE("an organ that was taken out does not occur") {
  std::uint32_t seed = 0;
  while (draw_subject(seed).present[kSpleen]) ++seed;
  const Phantom phantom = make_phantom(seed, coarse(Region::kAbdomen, 4), on(2));
  const auto organs = measure(phantom);
  CHECK_FALSE(organs.contains(kSpleen));
  CHECK(organs.contains(kLiver));
}

TEST_CASE("wrong options are refused") {
  const auto told = [](const ScanOptions& options) {
    try {
      plan_scan(draw_subject(1), options);
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::kBadArgument);
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(told({{}, {}, "LPX"}).find("axis order") != std::string::npos);
  CHECK(told({{}, {}, "LLS"}).find("axis order") != std::string::npos);
  CHECK(told({{}, {}, "LP"}).find("axis order") != std::string::npos);
  CHECK(told({{}, std::array{0.1, 1.0, 1.0}, ""}).find("spacing") != std::string::npos);
  CHECK(told({{}, std::array{std::nan(""), 1.0, 1.0}, ""}).find("spacing") != std::string::npos);
  CHECK(told({Region::kWhole, std::array{0.5, 0.5, 0.5}, ""}).find("too large") != std::string::npos);
  CHECK(told({}).empty());
}

TEST_CASE("a cancelled phantom ends") {
  Task task = on(2);
  task.cancelled = std::make_shared<Cancellation>(true);
  CHECK_THROWS_AS(make_phantom(1, {}, task), Error);
}

}  // namespace
}  // namespace medlsam::phantom
