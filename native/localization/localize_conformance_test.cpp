// The whole of localization with a real network: templates from two annotated CTs, boxes in a third, against
// the published code's (conformance's localize/boxes.json: WPL_012, WPL_12, WPL_uam).
#include <doctest/doctest.h>

#include <string>

#include "checkpoints/checkpoint.hpp"
#include "localization/annotations/points.hpp"
#include "localization/localize.hpp"
#include "localization/support.hpp"
#include "testing/runtime_under_test.hpp"
#include "volumes/read.hpp"

namespace medlsam {
namespace {

const std::string kData = CONFORMANCE_DIR;
const std::vector<Index3> kQueryCenters = {{95, 91, 90}, {91, 75, 84}, {97, 87, 93}, {79, 87, 89},
                                           {83, 76, 89}, {80, 84, 82}, {86, 91, 94}, {82, 80, 88},
                                           {97, 92, 77}, {94, 74, 83}};
const std::vector<LabelledOrgan> kOrgans = {{1, 1, false}, {6, 1, false}};

Task two_threads() {
  Task task;
  task.threads = 2;
  return task;
}

SurveyedGrid grid_of(const std::string& name) {
  const Task task = two_threads();
  const Volume volume = read_volume(kData + "/ct/" + name + ".nii.gz", {}, task);
  return SurveyedGrid(make_grid(volume, Conventions::kReference, false, task));
}

std::shared_ptr<MedLamModel> medlam() {
  static const auto loaded = [] {
    const std::string path = kData + "/medlam/medlam.pth";
    auto weights = std::make_unique<const MedLamWeights>(open_checkpoint(path), path);
    return std::make_shared<MedLamModel>(std::move(weights),
                                         compile_on(runtime_under_test(), {{}, DType::kF32, 2}));
  }();
  return loaded;
}

Templates templates_of_two() {
  const Task task = two_threads();
  Templates templates(12, medlam()->weights().feature_channels());
  const std::vector<std::int32_t> indices = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  for (const std::string name : {"a", "b"}) {
    const Volume labels = read_volume(kData + "/ct/" + name + "_label.nii.gz", {}, task);
    const LabelGrid on_grid = make_label_grid(labels, Conventions::kReference, kGridPadding, task);
    const auto points = annotation_points(on_grid, kOrgans, Conventions::kReference, task);
    SurveyedGrid scan = grid_of(name);
    add_support(templates, medlam(), scan, {points, indices, false}, task);
  }
  return templates;
}

void check_boxes(const Localization& found, const std::vector<VoxelBox>& expected) {
  REQUIRE(found.organs.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(found.organs[i].box.min == expected[i].min);
    CHECK(found.organs[i].box.max == expected[i].max);
  }
}

}  // namespace

TEST_CASE("localization gives the published code's boxes") {
  const Templates templates = templates_of_two();
  SurveyedGrid scan = grid_of("q");
  LocalizeOptions options;
  options.organs = {{{0, 1, 2, 3, 4, 5}, std::nullopt}, {{6, 7, 8, 9, 10, 11}, std::nullopt}};
  options.query_centers = kQueryCenters;
  const auto run = [&](const std::array<bool, kScales>& scales) {
    options.scales = scales;
    return localize(medlam(), scan, templates, options, two_threads());
  };
  check_boxes(run({true, true, true}), {{{-3, 19, -31}, {92, 33, 139}}, {{12, 42, 22}, {59, 83, 37}}});
  check_boxes(run({false, true, true}), {{{-12, -32, 30}, {94, 19, 150}}, {{-20, 47, 22}, {24, 90, 37}}});
  check_boxes(run({false, false, false}),
              {{{-429, -182, -132}, {523, -128, 297}}, {{-381, 59, -196}, {46, 83, -151}}});
}

TEST_CASE("a survey of a real scan is made once, and moves what it places") {
  const Templates templates = templates_of_two();
  SurveyedGrid scan = grid_of("q");
  LocalizeOptions options;
  options.organs = {{{0, 1, 2, 3, 4, 5}, std::nullopt}};
  options.scales.fill(false);
  const auto run = [&](bool survey) {
    options.survey = survey;
    return localize(medlam(), scan, templates, options, two_threads());
  };
  const Localization published = run(false), surveyed = run(true), again = run(true);
  CHECK(published.patches == 10);
  CHECK(surveyed.patches > 10);
  CHECK(again.patches == 10);
  CHECK(again.organs[0].box.min == surveyed.organs[0].box.min);
  CHECK(surveyed.organs[0].box.min != published.organs[0].box.min);
}

}  // namespace medlsam
