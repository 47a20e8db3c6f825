// SAM's training, small: what it sees, what it learns, and that stopping and resuming changes nothing.
#include "training/sam_trainer.hpp"

#include <c10/core/GradMode.h>
#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "training/folded_weights.hpp"
#include "training/sam_losses.hpp"

namespace medlsam::training {
namespace {

struct Folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("medlsam-sam-trainer-" + std::to_string(getpid()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const std::string& name) const { return (path / name).string(); }
};

constexpr Index3 kShape = {10, 24, 32};
constexpr Affine kAffine = {2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 5, 0, 0, 0, 0, 1};

template <class Value>
Volume volume_of(DType type, const std::vector<Value>& values) {
  Volume volume;
  volume.shape = kShape;
  volume.dtype = type;
  volume.affine = kAffine;
  const auto* bytes = reinterpret_cast<const std::byte*>(values.data());
  volume.data.assign(bytes, bytes + values.size() * sizeof(Value));
  return volume;
}

struct Organ {
  std::int64_t z, y, x, radius;
  std::uint8_t label;
  std::int16_t hu;
};

// Balls, twice as long in the plane as across it.
std::string write_scan_file(const Folder& folder, const std::string& name, const std::vector<Organ>& organs) {
  std::vector<std::int16_t> image;
  std::vector<std::uint8_t> labels;
  for (std::int64_t z = 0; z < kShape[0]; ++z) {
    for (std::int64_t y = 0; y < kShape[1]; ++y) {
      for (std::int64_t x = 0; x < kShape[2]; ++x) {
        image.push_back(static_cast<std::int16_t>(5 * ((3 * x + 5 * y + 7 * z) % 11) - 100));
        labels.push_back(0);
        for (const Organ& organ : organs) {
          const std::int64_t dz = 2 * (z - organ.z), dy = y - organ.y, dx = x - organ.x;
          if (dz * dz + dy * dy + dx * dx > organ.radius * organ.radius) continue;
          image.back() = organ.hu;
          labels.back() = organ.label;
        }
      }
    }
  }
  Task task;
  write_annotated_scan(folder.file(name), volume_of(DType::kI16, image), volume_of(DType::kU8, labels), task);
  return folder.file(name);
}

SamTrainerOptions small(const Folder& folder) {
  SamTrainerOptions options;
  options.scans = {write_scan_file(folder, "a", {{4, 8, 9, 7, 3, 300}, {6, 15, 22, 8, 7, -400}}),
                   write_scan_file(folder, "b", {{5, 14, 10, 8, 3, 350}, {4, 9, 23, 6, 7, -350}})};
  options.validation_scans = {write_scan_file(folder, "c", {{5, 10, 8, 7, 3, 320}, {5, 13, 23, 7, 7, -380}})};
  options.sizes = {64, 8, 32, 2, 2, 64, 4, {1}, 32, 64};
  options.batch = 2;
  options.epoch_steps = 40;
  options.epochs = 6;
  options.seed = 1;
  options.learning_rate = 3e-3;
  options.jitter = 2;
  return options;
}

const torch::Check kGoOn = [] {};

std::vector<char> bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<float> values_of(const Checkpoint& checkpoint, const std::string& name) {
  const TensorView& view = checkpoint.tensors.at(name);
  std::vector<float> values(view.elements());
  to_float32(view, values);
  return values;
}

TEST_CASE("a prepared scan holds the slices with organs, where these are, and the spacing") {
  const Folder folder;
  const AnnotatedScan scan(write_scan_file(folder, "scan", {{4, 8, 9, 4, 3, 300}, {8, 15, 22, 2, 7, -400}}));
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
  const AnnotatedScan scan(write_scan_file(folder, "scan", {{4, 8, 9, 4, 3, 300}}));
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
      1, AnnotatedScan(write_scan_file(folder, "scan", {{4, 8, 9, 4, 3, 300}})));
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
  torch::WeightMap none;
  torch::AtenOps ops(none, at::kFloat, kGoOn);
  for (const int window : {0, 4}) {
    const std::int64_t rows = window == 0 ? 6 : 4, columns = window == 0 ? 7 : 4;
    const at::Tensor vertical = at::randn({2 * rows - 1, 8}), horizontal = at::randn({2 * columns - 1, 8});
    const auto attend = [&](bool differentiate) {
      const c10::AutoGradMode mode(differentiate);
      return ops.window_attention(qkv, bias, vertical, horizontal, 2, window);
    };
    CHECK(at::allclose(attend(true), attend(false), 1e-4, 1e-5));
  }
}

TEST_CASE("a new SAM's losses fall, and it finds the organs of another scan") {
  const Folder folder;
  SamTrainer trainer(small(folder));
  const double before = trainer.validate(8, kGoOn);
  CHECK(trainer.validate(8, kGoOn) == before);
  double first = 0, last = 0;
  for (int i = 0; i < 240; ++i) {
    const SamStepResult result = trainer.step(kGoOn);
    if (i < 20) first += result.dice / 20;
    if (i >= 220) last += result.dice / 20;
  }
  CHECK(last < 0.5 * first);
  const double after = trainer.validate(8, kGoOn);
  CHECK(after > 0.7);
  CHECK(before < 0.5);
}

TEST_CASE("a SAM run that was stopped and resumed equals one that was not, to the bit") {
  const Folder folder;
  const SamTrainerOptions options = small(folder);
  SamTrainer whole(options);
  for (int i = 0; i < 6; ++i) whole.step(kGoOn);
  whole.save(folder.file("whole"));
  {
    SamTrainer begun(options);
    for (int i = 0; i < 3; ++i) begun.step(kGoOn);
    // Stopped in the middle of a step, which then counts for nothing.
    int checks = 0;
    CHECK_THROWS_AS(begun.step([&] {
      if (++checks > 30) throw Error(ErrorCode::kAborted, "stop");
    }),
                    Error);
    CHECK(begun.steps() == 3);
    begun.save(folder.file("begun"));
  }
  SamTrainer resumed(options);
  resumed.load(folder.file("begun"));
  CHECK(resumed.steps() == 3);
  for (int i = 0; i < 3; ++i) resumed.step(kGoOn);
  resumed.save(folder.file("resumed"));
  CHECK(bytes_of(folder.file("whole")) == bytes_of(folder.file("resumed")));
}

TEST_CASE("of a SAM to go on from the mask decoder is trained, and what else is asked for") {
  const Folder folder;
  SamTrainerOptions options = small(folder);
  {
    SamTrainer trainer(options);
    trainer.step(kGoOn);
    trainer.export_model(folder.file("sam.safetensors"));
  }
  options.from = folder.file("sam.safetensors");
  const Checkpoint before = open_checkpoint(options.from);
  const auto changed = [&](bool encoder) {
    options.encoder = encoder;
    SamTrainer trainer(options);
    for (int i = 0; i < 2; ++i) trainer.step(kGoOn);
    const std::string file = folder.file(encoder ? "both" : "decoder");
    trainer.export_model(file);
    const Checkpoint after = open_checkpoint(file);
    CHECK(after.tensors.size() == before.tensors.size());
    const auto differs = [&](const std::string& name) {
      return values_of(before, name) != values_of(after, name);
    };
    CHECK(differs("mask_decoder.output_upscaling.0.weight"));
    CHECK(!differs("prompt_encoder.point_embeddings.2.weight"));
    CHECK(!differs("prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"));
    return differs("image_encoder.patch_embed.proj.weight");
  };
  CHECK(!changed(false));
  CHECK(changed(true));
}

TEST_CASE("the learning rate rises for a tenth of a short run, and ends near 0") {
  const Folder folder;
  SamTrainerOptions options = small(folder);
  options.epoch_steps = 10;
  options.epochs = 2;
  options.batch = 1;
  SamTrainer trainer(options);
  CHECK(trainer.step(kGoOn).learning_rate == doctest::Approx(1.5e-3));
  CHECK(trainer.step(kGoOn).learning_rate == doctest::Approx(3e-3));
  double last = 0;
  for (int i = 2; i < 20; ++i) last = trainer.step(kGoOn).learning_rate;
  CHECK(last > 0);
  CHECK(last < 1e-4);
}

TEST_CASE("SAM's training says what is wrong") {
  const Folder folder;
  SamTrainerOptions options = small(folder);
  SUBCASE("it diverges") {
    options.learning_rate = 1e30;
    SamTrainer trainer(options);
    CHECK_THROWS_WITH_AS(
        [&] {
          for (int i = 0; i < 5; ++i) trainer.step(kGoOn);
        }(),
        doctest::Contains("Training diverged at step"), Error);
  }
  SUBCASE("another run's checkpoint, and none") {
    SamTrainer trainer(options);
    trainer.save(folder.file("saved"));
    trainer.export_model(folder.file("model"));
    CHECK_THROWS_WITH_AS(trainer.load(folder.file("model")), doctest::Contains("not a training checkpoint"),
                         Error);
    options.jitter = 3;
    CHECK_THROWS_WITH_AS(SamTrainer(options).load(folder.file("saved")), doctest::Contains("another jitter"),
                         Error);
  }
  SUBCASE("no scan shows an organ") {
    options.scans = {write_scan_file(folder, "empty", {})};
    CHECK_THROWS_WITH_AS(SamTrainer{options}, doctest::Contains("shows an organ"), Error);
  }
  SUBCASE("it is no SAM") {
    options.from = options.scans[0];
    CHECK_THROWS_WITH_AS(SamTrainer{options}, doctest::Contains("not a SAM checkpoint"), Error);
  }
  SUBCASE("sizes that do not fit together") {
    options.sizes.channels = 24;
    CHECK_THROWS_WITH_AS(SamTrainer{options}, doctest::Contains("multiple of 16"), Error);
    options.sizes = {33, 4, 16, 2, 2, 32, 4, {1}, 16, 32};
    CHECK_THROWS_WITH_AS(SamTrainer{options}, doctest::Contains("multiple of the patch size"), Error);
    options.sizes = {32, 4, 16, 2, 2, 32, 4, {2}, 16, 32};
    CHECK_THROWS_WITH_AS(SamTrainer{options}, doctest::Contains("no block 2"), Error);
  }
}

}  // namespace
}  // namespace medlsam::training
