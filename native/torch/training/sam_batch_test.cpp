// Batches of SAM's training, and the weights it computes with.
// Before doctest, whose CHECK libtorch would replace by its own.
#include "training_data/sam_batch.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <doctest/doctest.h>

#include <cmath>

#include "testing/sam_runs.hpp"
#include "torch/training/folded_weights.hpp"
#include "torch/training/sam_losses.hpp"

namespace medlsam::training {
namespace {

TEST_CASE("a prepared scan holds the slices with organs, where these are, and the spacing") {
  const Folder folder;
  const AnnotatedScan scan(write_annotated(folder, "scan", {{4, 8, 9, 4, 3, 300}, {8, 15, 22, 2, 7, -400}}));
  CHECK(scan.slices() == 8);  // 2 to 9
  CHECK(scan.place(0) == 2);
  CHECK(scan.organs() == 2);
  CHECK(scan.spacing() == std::array<double, 3>{5, 2, 2});
  CHECK(scan.slices_of(0) == std::vector<std::int64_t>{0, 1, 2, 3, 4});
  CHECK(scan.slices_of(1) == std::vector<std::int64_t>{5, 6, 7});
  const SliceExtent extent = scan.extent(2, 0).value();  // the middle of the first
  CHECK(std::array{extent.top, extent.left, extent.bottom, extent.right} ==
        std::array<std::int64_t, 4>{4, 5, 12, 13});
  CHECK(!scan.extent(2, 1));
  // 300 HU lies 800 of 1500 up the window.
  CHECK(scan.pixels(2)[8 * 32 + 9] == 136);
  CHECK(scan.labels(2)[8 * 32 + 9] == 1);
  CHECK(scan.labels(2)[0] == 0);
}

TEST_CASE("a clean example has the boxes that segmentation prompts with, and area means as targets") {
  const Folder folder;
  const AnnotatedScan scan(write_annotated(folder, "scan", {{4, 8, 9, 4, 3, 300}}));
  SamDrawing drawing;
  drawing.edge = 64;
  drawing.logits = 16;
  const SamExample example = clean_example(scan, 0, drawing);
  REQUIRE(example.prompts() == 1);
  // x: 5 … 13 of 32, y: 4 … 12 of 24, to 64, with a margin of 10.
  CHECK(example.boxes == std::vector<float>{0, 1, 36, 42});
  double area = 0, pixels = 0;
  for (const float part : example.targets) area += part * 2 * 1.5;
  for (const std::uint8_t label : scan.labels(0)) pixels += label;
  CHECK(area == doctest::Approx(pixels));
}

TEST_CASE("drawn boxes err by the jitter about the organ's") {
  const Folder folder;
  const std::vector<AnnotatedScan> scans(
      1, AnnotatedScan(write_annotated(folder, "scan", {{4, 8, 9, 4, 3, 300}})));
  SamDrawing drawing;
  drawing.edge = 64;
  drawing.logits = 16;
  drawing.jitter = 0;
  double widest = 0;
  for (std::uint64_t i = 0; i < 20; ++i) {
    const auto boxes = draw_sam_batch(scans, drawing, Random({i})).at(0).boxes;
    REQUIRE(boxes.size() == 4);
    widest = std::max(widest, static_cast<double>(boxes[2] - boxes[0]));
  }
  CHECK(widest == 36);
  drawing.jitter = 1;  // a pixel of the slice is 1 mm
  double squares = 0;
  int count = 0;
  for (std::uint64_t i = 0; i < 200; ++i) {
    for (const SamExample& example : draw_sam_batch(scans, drawing, Random({i}))) {
      // The organ's own box has the right bound 36; boxes of some slices alone have it further left.
      if (example.boxes[2] < 33) continue;
      squares += (example.boxes[2] - 36) * (example.boxes[2] - 36);
      ++count;
    }
  }
  CHECK(count > 80);
  CHECK(std::sqrt(squares / count) == doctest::Approx(1).epsilon(0.2));
}

TEST_CASE("losses of masks that are right, wrong and empty") {
  const at::Tensor targets = at::zeros({3, 1, 4, 4});
  targets.slice(0, 0, 2).slice(3, 0, 2).fill_(1);
  const at::Tensor logits = (targets * 2 - 1) * 50;
  logits[1].neg_();
  const MaskLosses losses = mask_losses(logits, at::tensor({1.0f, 0.0f, 0.5f}).unsqueeze(1), targets);
  // Right: 0. Wrong: nothing agrees of 8 and 8 pixels. Empty and found empty: right, though predicted as ½.
  CHECK(losses.dice.item<double>() == doctest::Approx(1 - 1.0 / 17));
  CHECK(losses.cross_entropy.item<double>() == doctest::Approx(50));
  CHECK(losses.iou.item<double>() == doctest::Approx(0.25));
}

TEST_CASE("folded weights are those the network loads, and pass gradients on") {
  const SamSizes sizes = {32, 4, 16, 2, 2, 32, 4, {1}, 16, 32};
  const Checkpoint initial = sam_initial_weights(sizes, 5);
  const SamWeights loaded(initial, "new");
  torch::WeightMap weights;
  for (const auto& [name, view] : loaded.tensors()) {
    auto* data = reinterpret_cast<float*>(const_cast<std::byte*>(view.bytes.data()));
    weights[name] = at::from_blob(data, view.shape, at::kFloat).clone().set_requires_grad(true);
  }
  torch::WeightMap folded = weights;
  fold_sam_weights(folded);
  at::Tensor sum = at::zeros({});
  for (const char* name : {"folded.patch.weight", "folded.patch.bias", "folded.upscale.0.weight",
                           "folded.upscale.0.bias", "folded.upscale.3.weight", "folded.upscale.3.bias"}) {
    const TensorView& view = loaded.at(name);
    auto* data = reinterpret_cast<float*>(const_cast<std::byte*>(view.bytes.data()));
    CHECK_MESSAGE(at::allclose(folded.at(name), at::from_blob(data, view.shape, at::kFloat), 1e-5, 1e-6),
                  name);
    sum = sum + folded.at(name).square().sum();
  }
  sum.backward();
  for (const char* name : {"image_encoder.patch_embed.proj", "mask_decoder.output_upscaling.0",
                           "mask_decoder.output_upscaling.3"}) {
    CHECK(weights.at(std::string(name) + ".weight").grad().abs().sum().item<double>() > 0);
    CHECK(weights.at(std::string(name) + ".bias").grad().abs().sum().item<double>() > 0);
  }
}

TEST_CASE("attention that is differentiated through is the attention of inference") {
  at::manual_seed(1);
  const at::Tensor qkv = at::randn({2, 6, 7, 48}), bias = at::randn({48});
  for (const std::int64_t window : {0, 4}) {
    const std::int64_t rows = window == 0 ? 6 : 4, columns = window == 0 ? 7 : 4;
    const at::Tensor vertical = at::randn({2 * rows - 1, 8}), horizontal = at::randn({2 * columns - 1, 8});
    const auto attend = [&](bool differentiate) {
      const c10::AutoGradMode mode(differentiate);
      return torch::window_attention(qkv, bias, vertical, horizontal, 2, window, {}, kGoOn);
    };
    CHECK(at::allclose(attend(true), attend(false), 1e-4, 1e-5));
  }
}

}  // namespace
}  // namespace medlsam::training
