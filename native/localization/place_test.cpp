#include "localization/place.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "testing/template_points.hpp"

namespace medlsam {
namespace {

constexpr Index3 kShape = {164, 164, 164};
constexpr std::array<std::int32_t, 1> kFirst = {0};

Templates one_point(const std::array<float, 3>& position) {
  return test::templates_of({position});
}

}  // namespace

TEST_CASE("UAM: a point lies r·tanh of the positions' difference from the query patches' mean (5.2)") {
  const Landmarks query = {{{80, 70, 60}, {84, 74, 64}}, {0.1f, 0.2f, 0.3f, 0.3f, 0.4f, 0.5f}};
  CHECK(place_points(query, {}, kShape, one_point({0.2f, 0.3f, 0.4f}), kFirst).at(0) == Index3{82, 72, 62});
  const auto far = place_points(query, {}, kShape, one_point({0.3f, 0.1f, 30.0f}), kFirst).at(0);
  CHECK(far[0] == 82 + std::lround(1500 * std::tanh(0.1) / 3));
  CHECK(far[1] == 72 + std::lround(600 * std::tanh(-0.2) / 3));
  CHECK(far[2] == 62 + 200);  // as far as a patch can say, outside the scan
}

TEST_CASE("UAM: places are rounded to the even voxel") {
  // Half a voxel, 1.5 mm, beyond the middle of the patches.
  const Landmarks query = {{{80, 70, 60}, {81, 71, 61}}, {0, 0, 0, 0, 0, 0}};
  CHECK(place_points(query, {}, kShape, one_point({0, 0, 0}), kFirst).at(0) == Index3{80, 70, 60});
  const Landmarks odd = {{{81, 71, 61}, {82, 72, 62}}, {0, 0, 0, 0, 0, 0}};
  CHECK(place_points(odd, {}, kShape, one_point({0, 0, 0}), kFirst).at(0) == Index3{82, 72, 62});
}

TEST_CASE("survey: what is near the point decides, what is far says little") {
  const Landmarks query = {{{80, 80, 80}}, {0, 0, 0}};
  // The patch at the point itself says that it lies 15 mm up; one 150 mm away says 60 mm down.
  const auto offset = [](double mm) { return static_cast<float>(std::atanh(mm / 1500)); };
  const Landmarks survey = {{{80, 80, 80}, {80, 80, 130}}, {offset(-15), 0, 0, offset(60), 0, 0}};
  const auto placed = place_points(query, survey, kShape, one_point({0, 0, 0}), kFirst).at(0);
  const double weight = std::exp(-150.0 * 150 / (2 * 60 * 60));
  CHECK(placed[0] == 80 + std::lround((15 - 60 * weight) / (1 + weight) / 3));
}

TEST_CASE("survey: a support's points are found again where surveys placed them") {
  const std::vector<Index3> centers = {{40, 50, 60}, {70, 45, 55}};
  // Along every axis the positions rise as they should, each but a few wrong by up to 30 mm.
  Landmarks survey;
  for (std::int64_t z = 36; z <= 72; z += 12) {
    for (std::int64_t y = 36; y <= 72; y += 12) {
      for (std::int64_t x = 36; x <= 72; x += 12) survey.centers.push_back({z, y, x});
    }
  }
  for (std::size_t i = 0; i < survey.centers.size(); ++i) {
    for (std::size_t a = 0; a < 3; ++a) {
      const double wrong = 30 * std::sin(7 * static_cast<double>(3 * i + a));
      const double mm = 3 * static_cast<double>(survey.centers[i][a]) + wrong;
      survey.positions.push_back(static_cast<float>(mm / kReach[a]));
    }
  }
  const auto positions = surveyed_positions(survey, centers);
  const Templates templates = test::templates_of(
      {{positions[0], positions[1], positions[2]}, {positions[3], positions[4], positions[5]}});
  const std::array<std::int32_t, 2> both = {0, 1};
  const auto placed = place_points(survey, survey, {104, 114, 124}, templates, both);
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t a = 0; a < 3; ++a) CHECK(std::abs(placed[i][a] - centers[i][a]) <= 1);
  }
}

}  // namespace medlsam
