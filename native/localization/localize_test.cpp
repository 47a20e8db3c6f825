// The whole call with a network that is a formula; localize_conformance_test.cpp has a real one.
#include "localization/localize.hpp"

#include <doctest/doctest.h>

#include <string>

#include "localization/support.hpp"
#include "testing/fake_medlam.hpp"
#include "testing/template_points.hpp"

namespace medlsam {
namespace {

// 40, 50 and 60 points of tissue in the padding, of a volume of 3 mm voxels in LAS order.
Grid tissue() {
  Grid grid;
  grid.stored_shape = grid.las_shape = {40, 50, 60};
  grid.zoom = {1, 1, 1};
  grid.orientation.stored_axis = {0, 1, 2};
  for (int a = 0; a < 3; ++a) grid.shape[a] = grid.stored_shape[a] + 2 * kGridPadding;
  grid.values.assign(static_cast<std::size_t>(grid.shape[0] * grid.shape[1] * grid.shape[2]), 0.0f);
  for (std::int64_t z = kGridPadding; z < grid.shape[0] - kGridPadding; ++z) {
    for (std::int64_t y = kGridPadding; y < grid.shape[1] - kGridPadding; ++y) {
      for (std::int64_t x = kGridPadding; x < grid.shape[2] - kGridPadding; ++x)
        grid.values[(z * grid.shape[1] + y) * grid.shape[2] + x] = 0.5f;
    }
  }
  return grid;
}

struct Setup {
  std::shared_ptr<std::atomic<int>> runs = std::make_shared<std::atomic<int>>(0);
  std::shared_ptr<MedLamModel> medlam = test::fake_medlam(runs);
  SurveyedGrid scan{tissue()};
  // All six points at the position that the network gives every patch.
  Templates templates = test::templates_of(std::vector<std::array<float, 3>>(6, {0, 0, 0}), 8, 64);
  LocalizeOptions options;
  Task task;
  std::vector<std::string> phases;

  Setup() {
    options.organs = {{{0, 1, 2, 3, 4, 5}, std::nullopt}};
    options.scales.fill(false);
    task.threads = 2;
    task.on_progress = [this](std::size_t, std::size_t, const char* phase) {
      if (phases.empty() || phases.back() != phase) phases.emplace_back(phase);
    };
  }
};

using Phases = std::vector<std::string>;

}  // namespace

TEST_CASE("localize: without scales, places from the coordinate system alone") {
  Setup setup;
  setup.options.query_centers = {{50, 60, 70}, {54, 62, 66}};
  const auto found = localize(setup.medlam, setup.scan, setup.templates, setup.options, setup.task);
  REQUIRE(found.organs.size() == 1);
  const FoundOrgan& organ = found.organs[0];
  CHECK(organ.box.min == Index3{52 - kGridPadding, 61 - kGridPadding, 68 - kGridPadding});
  CHECK(organ.box.max == organ.box.min);
  CHECK(organ.parts.size() == 1);
  CHECK(!organ.score);
  CHECK(organ.margin == 3 * 19);
  CHECK(organ.present);
  CHECK(found.patches == 2);
  CHECK(setup.phases == Phases{"query"});
}

TEST_CASE("localize: centres are drawn by the seed where none are given") {
  Setup setup;
  CHECK(localize(setup.medlam, setup.scan, setup.templates, setup.options, setup.task).patches == 10);
  const auto box = [&](std::uint32_t seed) {
    setup.options.seed = seed;
    return localize(setup.medlam, setup.scan, setup.templates, setup.options, setup.task).organs[0].box.min;
  };
  const Index3 first = box(1);
  CHECK(box(2) != first);
  CHECK(box(1) == first);
}

TEST_CASE("localize: the search scores what it finds, and every distinct patch runs once") {
  Setup setup;
  setup.options.query_centers = {{52, 61, 68}};
  setup.options.scales = {true, false, true};
  const auto found = localize(setup.medlam, setup.scan, setup.templates, setup.options, setup.task);
  REQUIRE(found.organs[0].score);
  // Constant features are equal everywhere but at a patch's rim.
  CHECK(*found.organs[0].score == doctest::Approx(1).epsilon(1e-4));
  CHECK(found.patches == 2);
  CHECK(setup.phases == Phases{"query", "search"});
}

TEST_CASE("localize: on a lattice near points share a patch, and are found in it where they are") {
  Setup setup;
  setup.options.query_centers = {{52, 61, 68}};
  setup.options.scales = {true, true, true};
  setup.options.survey = true;  // constant features: the place nearest to the point's own is found
  setup.templates = test::templates_of(
      {{0, 0, 0}, {0, -0.01F, 0}, {0, 0, -0.01F}, {0, 0.01F, 0}, {0, 0, 0.01F}, {0, 0.01F, 0.01F}}, 8, 64);
  const auto run = [&](int lattice) {
    setup.options.lattice = lattice;
    return localize(setup.medlam, setup.scan, setup.templates, setup.options, setup.task);
  };
  const auto alone = run(0), shared = run(16);
  CHECK(alone.patches == 1 + 8 + 6);
  CHECK(shared.patches == 1 + 1);  // the survey is there
  CHECK(shared.organs[0].box.min == alone.organs[0].box.min);
  CHECK(shared.organs[0].box.max == alone.organs[0].box.max);
  CHECK(*shared.organs[0].score == doctest::Approx(*alone.organs[0].score).epsilon(1e-5));
  // Apart from what whole patches leave for it, the lattice reaches every place.
  setup.templates = test::templates_of(
      {{-0.2F, 0, 0}, {0, -0.3F, 0}, {0, 0, -0.3F}, {0.2F, 0, 0}, {0, 0.3F, 0}, {0, 0, 0.3F}}, 8, 64);
  CHECK(run(16).organs[0].box.max == run(0).organs[0].box.max);
}

TEST_CASE("localize: a scan is surveyed once for a network, whatever the templates") {
  Setup setup;
  setup.options.survey = true;
  const auto run = [&](const std::shared_ptr<MedLamModel>& medlam) {
    return localize(medlam, setup.scan, setup.templates, setup.options, setup.task).patches;
  };
  // A lattice of 2·2·2 patches, 32 voxels apart: their centers lie in tissue.
  CHECK(run(setup.medlam) == 10 + 8);
  CHECK(setup.phases == Phases{"query", "survey"});
  setup.phases.clear();
  CHECK(run(setup.medlam) == 10);
  CHECK(setup.phases == Phases{"query"});
  CHECK(run(test::fake_medlam(setup.runs)) == 10 + 8);
}

TEST_CASE("localize: cancelled in one phase, it begins no other") {
  Setup setup;
  const auto flag = std::make_shared<Cancellation>();
  setup.task.cancelled = flag;
  setup.task.on_progress = [&](std::size_t done, std::size_t total, const char* phase) {
    if (std::string(phase) == "query" && done == total) flag->request();
  };
  setup.options.survey = true;
  try {
    localize(setup.medlam, setup.scan, setup.templates, setup.options, setup.task);
    FAIL("a cancelled call went on");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kAborted);
  }
  CHECK(*setup.runs == 10);
}

TEST_CASE("localize: query centres outside the scan are refused before the network runs") {
  Setup setup;
  setup.options.query_centers = {{5, 61, 68}};
  CHECK_THROWS_AS(localize(setup.medlam, setup.scan, setup.templates, setup.options, setup.task), Error);
  CHECK(*setup.runs == 0);
}

TEST_CASE("a support's survey gives its points' positions, made once") {
  Setup setup;
  Templates templates(2, 8);
  const std::vector<Index3> centers = {{51, 56, 61}, {51, 56, 61}};  // the lattice's middle
  const std::vector<std::int32_t> indices = {0, 1};
  add_support(templates, setup.medlam, setup.scan, {centers, indices, true}, setup.task);
  CHECK(setup.phases == Phases{"survey", "support"});
  CHECK(*setup.runs == 8 + 1);  // the points share a patch
  CHECK(templates.supports() == std::vector<std::int32_t>{1, 1});
  // Patches around it that all say 0 cancel each other.
  CHECK(templates.positions()[0] == doctest::Approx(0).scale(1));
}

TEST_CASE("verdict: present by margin and score") {
  const Grid grid = tissue();
  const Templates templates = test::templates_of(std::vector<std::array<float, 3>>(6, {0, 0, 0}));
  const auto points_at = [](std::int64_t z) { return std::vector<Index3>(6, Index3{z, 60, 60}); };
  const auto inside = points_at(50), outside = points_at(20);
  const std::vector<float> peaks(6, 1.0f + 2 * 0.6f);
  LocalizeOptions options;
  options.scales = {true, true, false};
  const auto verdict = [&](const std::vector<Index3>& placed, std::optional<double> agreement,
                           std::optional<double> min_score) {
    options.min_score = min_score;
    return describe_organ({{0, 1, 2, 3, 4, 5}, agreement}, {placed, inside, peaks}, grid, templates, options);
  };
  CHECK(*verdict(inside, std::nullopt, std::nullopt).score == doctest::Approx(0.6));
  CHECK(verdict(inside, std::nullopt, std::nullopt).present);
  CHECK(verdict(inside, 0.74, std::nullopt).present);        // 0.6 ≥ 0.8 · 0.74
  CHECK_FALSE(verdict(inside, 0.76, std::nullopt).present);  // 0.6 < 0.8 · 0.76
  CHECK(verdict(inside, 0.76, 0.5).present);                 // an own limit decides alone
  CHECK_FALSE(verdict(inside, std::nullopt, 0.7).present);
  CHECK_FALSE(verdict(outside, std::nullopt, -1).present);
  CHECK(verdict(outside, std::nullopt, -1).margin == 3 * (20 - 32));
  CHECK(verdict(outside, std::nullopt, -1).box.min[0] == 50 - kGridPadding);  // where the search found it
}

TEST_CASE("verdict: present by evidence, the score over the agreement and the margin together") {
  const Grid grid = tissue();
  const Templates templates = test::templates_of(std::vector<std::array<float, 3>>(6, {0, 0, 0}));
  // 18 slices, 54 mm, into the scan: evidence of 0.6 ÷ 0.75 + 54 ÷ 300 = 0.98.
  const std::vector<Index3> placed(6, Index3{kGridPadding + 18, 60, 60});
  const std::vector<float> peaks(6, 1.0f + 2 * 0.6f);
  LocalizeOptions options;
  options.scales = {true, true, false};
  const auto verdict = [&](std::optional<double> agreement, double min_evidence) {
    options.min_evidence = min_evidence;
    return describe_organ({{0, 1, 2, 3, 4, 5}, agreement}, {placed, placed, peaks}, grid, templates, options);
  };
  REQUIRE(verdict(0.75, 1).margin == 54);
  CHECK(verdict(0.75, 0.97).present);
  CHECK_FALSE(verdict(0.75, 0.99).present);
  CHECK(verdict(std::nullopt, 0.99).present);  // nothing to compare the score with
  options.min_score = 0.5;                     // an own limit decides alone
  CHECK(verdict(0.75, 0.99).present);
}

TEST_CASE("verdict: with a survey, a wall that it places outside the scan stays there") {
  const Grid grid = tissue();
  const Templates templates = test::templates_of(std::vector<std::array<float, 3>>(6, {0, 0, 0}));
  std::vector<Index3> placed(6, Index3{50, 60, 60}), searched(6, Index3{55, 65, 65});
  placed[3] = {90, 60, 60};  // max z beyond the scan's last slice at 71
  const std::vector<float> peaks(6, 2.0f);
  LocalizeOptions options;
  const WantedOrgan organ = {{0, 1, 2, 3, 4, 5}, std::nullopt};
  CHECK(describe_organ(organ, {placed, searched, peaks}, grid, templates, options).box.max[0] ==
        55 - kGridPadding);
  options.survey = true;
  const auto kept = describe_organ(organ, {placed, searched, peaks}, grid, templates, options);
  CHECK(kept.box.max == Index3{39, 65 - kGridPadding, 65 - kGridPadding});
  CHECK(kept.box.min == Index3{55 - kGridPadding, 65 - kGridPadding, 65 - kGridPadding});
}

TEST_CASE("verdict: parts have boxes of their own, and one around them") {
  const Grid grid = tissue();
  const Templates templates = test::templates_of(std::vector<std::array<float, 3>>(12, {0, 0, 0}));
  std::vector<Index3> points(6, Index3{40, 60, 60});
  points.resize(12, Index3{60, 50, 70});
  LocalizeOptions options;
  const WantedOrgan organ = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, std::nullopt};
  const auto found = describe_organ(organ, {points, points, {}}, grid, templates, options);
  REQUIRE(found.parts.size() == 2);
  CHECK(found.parts[0].min == Index3{8, 28, 28});
  CHECK(found.parts[1].max == Index3{28, 18, 38});
  CHECK(found.box.min == Index3{8, 18, 28});
  CHECK(found.box.max == Index3{28, 28, 38});
}

}  // namespace medlsam
