// MedLAM's training, small: what it learns, and that stopping and resuming changes nothing.
// Before doctest, whose CHECK libtorch would replace by its own.
#include "torch/training/medlam_task.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <span>
#include <string_view>

#include "networks/medlam.hpp"
#include "testing/trainer_runs.hpp"
#include "torch/aten/network.hpp"
#include "torch/training/medlam_initial_weights.hpp"

namespace medlsam::training {
namespace {

TEST_CASE("the losses fall, and held-out patches are placed better") {
  const Folder folder;
  MedLamTrainer trainer(small(folder));
  const double before = trainer.validate(24, kGoOn).figure;
  CHECK(trainer.validate(24, kGoOn).figure == before);
  double first_uam = 0, first_mss = 0, last_uam = 0, last_mss = 0;
  for (int i = 0; i < 80; ++i) {
    const StepResult result = trainer.step(kGoOn);
    (i < 20 ? first_uam : last_uam) += i < 20 || i >= 60 ? result.losses[kUam] / 20 : 0;
    (i < 20 ? first_mss : last_mss) += i < 20 || i >= 60 ? result.losses[kMss] / 20 : 0;
  }
  CHECK(last_uam < 0.7 * first_uam);
  CHECK(last_mss < first_mss);
  CHECK(trainer.validate(24, kGoOn).figure < 0.9 * before);
}

TEST_CASE("a run that was stopped and resumed equals one that was not, to the bit") {
  const Folder folder;
  const StoppedRun run = stop_and_resume<MedLamTrainer>(folder, small(folder));
  CHECK(run.stopped);
  // The step that was stopped counts for nothing.
  CHECK(run.saved_steps == 3);
  CHECK(run.loaded_steps == 3);
  CHECK(run.whole == run.resumed);
}

TEST_CASE("scans computed at once have the gradient and the losses of one after another") {
  const Folder folder;
  MedLamOptions options = small(folder);
  for (const std::int64_t uam_steps : {0, 1}) {
    options.uam_steps = uam_steps;
    const auto results = step_one_and_two_at_once<MedLamTrainer>(folder, options);
    CHECK(results[1].losses[kUam] == doctest::Approx(results[0].losses[kUam]).epsilon(1e-4));
    CHECK(results[1].losses[kMss] == doctest::Approx(results[0].losses[kMss]).epsilon(1e-4));
    CHECK(results[1].gradient == doctest::Approx(results[0].gradient).epsilon(1e-3));
    // Biases that a normalization or a difference cancels have no gradient but rounding.
    for (const char* name : {"conv0_1.model.conv1_1.Conv.weight", "fc1.weight", "fc3.weight"})
      CHECK(difference(folder.file("1"), folder.file("2"), std::string("adam.mean.") + name) < 1e-3);
  }
}

TEST_CASE("the learning rate falls by a fifth after ten epochs") {
  const Folder folder;
  MedLamOptions options = small(folder);
  options.epoch_steps = 1;
  options.batch = 1;
  MedLamTrainer trainer(options);
  for (int i = 0; i < 10; ++i) CHECK(trainer.step(kGoOn).learning_rate == 1e-3);
  CHECK(trainer.step(kGoOn).learning_rate == doctest::Approx(0.8e-3));
}

TEST_CASE("a run that diverges says so and keeps its weights") {
  const Folder folder;
  MedLamOptions options = small(folder);
  options.learning_rate = 1e30;
  MedLamTrainer trainer(options);
  CHECK_THROWS_WITH_AS(
      [&] {
        for (int i = 0; i < 5; ++i) trainer.step(kGoOn);
      }(),
      doctest::Contains("Training diverged at step"), Error);
}

TEST_CASE("checkpoints of other runs and damaged ones are refused") {
  const Folder folder;
  MedLamOptions options = small(folder);
  MedLamTrainer trainer(options);
  trainer.save(folder.file("saved"));
  options.seed = 2;
  CHECK_THROWS_WITH_AS(MedLamTrainer(options).load(folder.file("saved")), doctest::Contains("another seed"),
                       Error);
  options.seed = 1;
  trainer.export_model(folder.file("model"));
  CHECK_THROWS_WITH_AS(MedLamTrainer(options).load(folder.file("model")),
                       doctest::Contains("not a training checkpoint"), Error);
  std::filesystem::resize_file(folder.file("saved"), std::filesystem::file_size(folder.file("saved")) / 2);
  CHECK_THROWS_AS(MedLamTrainer(options).load(folder.file("saved")), Error);
}

TEST_CASE("a saved run and an exported model both load as MedLAM") {
  const Folder folder;
  const MedLamOptions options = small(folder);
  MedLamTrainer trainer(options);
  trainer.step(kGoOn);
  trainer.save(folder.file("saved"));
  trainer.export_model(folder.file("model"));
  const MedLamWeights saved(open_checkpoint(folder.file("saved")), "saved");
  const MedLamWeights exported(open_checkpoint(folder.file("model")), "model");
  CHECK(saved.width() == 2);
  CHECK(saved.patch() == 32);
  CHECK(saved.digest() == exported.digest());
}

// The tensors of two checkpoints, bit for bit.
void check_same(const Checkpoint& first, const Checkpoint& second) {
  REQUIRE(first.tensors.size() == second.tensors.size());
  for (const auto& [name, tensor] : first.tensors) {
    REQUIRE(second.tensors.contains(name));
    CHECK(second.tensors.at(name).shape == tensor.shape);
    CHECK(std::ranges::equal(second.tensors.at(name).bytes, tensor.bytes));
  }
}

TEST_CASE("an exported model has the official names and shapes, as safetensors and as torch.save writes it") {
  const Folder folder;
  MedLamTrainer trainer(small(folder));
  trainer.step(kGoOn);
  trainer.export_model(folder.file("model.safetensors"));
  trainer.export_model(folder.file("model.pth"));
  const Checkpoint exported = open_checkpoint(folder.file("model.pth"));
  CHECK(exported.format == "pytorch zip");
  check_same(exported, open_checkpoint(folder.file("model.safetensors")));
  const std::vector<char> bytes = bytes_of(folder.file("model.pth"));
  CHECK(std::string_view(bytes.data(), bytes.size()).find("module.classification.0.weight") !=
        std::string_view::npos);
  // The published network of the same width; its patches are larger, so its first dense layer is.
  const Checkpoint official = open_checkpoint(CONFORMANCE_DIR "/medlam/medlam.pth");
  REQUIRE(exported.tensors.size() == official.tensors.size());
  for (const auto& [name, tensor] : official.tensors) {
    REQUIRE(exported.tensors.contains(name));
    auto wanted = tensor.shape;
    if (name == "fc1.weight") wanted[1] /= 8;
    CHECK(exported.tensors.at(name).shape == wanted);
  }
}

TEST_CASE("a run starts from weights of any kind of file, with width and patch of the file") {
  const Folder folder;
  MedLamOptions options = small(folder);
  options.width = options.patch = 0;
  const Checkpoint official = open_checkpoint(CONFORMANCE_DIR "/medlam/medlam.pth");
  for (const char* name : {"medlam.pth", "medlam_legacy.pth", "medlam_training.tar"}) {
    options.from = std::string(CONFORMANCE_DIR "/medlam/") + name;
    const MedLamTrainer trainer(options);
    CHECK(trainer.steps() == 0);
    trainer.export_model(folder.file("again.pth"));
    const MedLamWeights again(open_checkpoint(folder.file("again.pth")), "again");
    CHECK(again.digest() == MedLamWeights(official, "official").digest());
    CHECK(again.patch() == 64);
  }
  options.from = CONFORMANCE_DIR "/medlam/medlam_fp16.pth";
  const MedLamTrainer half(options);
  half.export_model(folder.file("half.pth"));
  const MedLamWeights halved(open_checkpoint(options.from), "half");
  CHECK(MedLamWeights(open_checkpoint(folder.file("half.pth")), "again").digest() == halved.digest());

  options.width = 3;
  CHECK_THROWS_WITH_AS(MedLamTrainer{options}, doctest::Contains("has base width 2, asked for was 3"), Error);
  options.width = 4;
  const MedLamTrainer wider(options);
  wider.export_model(folder.file("wider.pth"));
  CHECK(MedLamWeights(open_checkpoint(folder.file("wider.pth")), "wider").width() == 4);
  options.from = CONFORMANCE_DIR "/sam/sam_tiny.pth";
  CHECK_THROWS_WITH_AS(MedLamTrainer{options}, doctest::Contains("looks like a SAM checkpoint"), Error);
}

TEST_CASE("a widened network says what the narrow one says, until noise parts the copies of its channels") {
  const Checkpoint checkpoint = open_checkpoint(CONFORMANCE_DIR "/medlam/medlam.pth");
  const MedLamWeights narrow(checkpoint, "narrow");
  const at::TensorOptions options = at::TensorOptions().dtype(at::kFloat);
  const at::Tensor patch = at::sin(at::arange(64 * 64 * 64, options)).view({1, 1, 64, 64, 64}) / 2 + 0.5;
  const auto run = [&](const Checkpoint& weights) {
    const MedLamWeights medlam(weights, "widened");
    torch::AtenNetwork network(medlam_graph(medlam, 2), torch::borrow_weights(medlam.all()), options);
    return network.run(std::span(&patch, 1), kGoOn);
  };
  const auto before = run(checkpoint), after = run(widened_weights(narrow, 2, 1, 0)),
             noisy = run(widened_weights(narrow, 2, 1));
  REQUIRE(after.size() == 4);
  CHECK(at::allclose(after[0], before[0], 1e-3, 1e-4));
  CHECK(!at::allclose(noisy[0], before[0], 1e-3, 1e-4));
  for (std::size_t i = 1; i < after.size(); ++i)
    CHECK(at::allclose(after[i], before[i].repeat_interleave(2, 1), 1e-3, 1e-3));
}

TEST_CASE("a published training checkpoint brings Adam's state along") {
  const Folder folder;
  MedLamOptions options = small(folder);
  options.width = options.patch = 0;
  options.from = CONFORMANCE_DIR "/medlam/medlam_training.tar";
  MedLamTrainer(options).save(folder.file("begun"));
  const Checkpoint published = open_checkpoint(options.from), begun = open_checkpoint(folder.file("begun"));
  REQUIRE(!published.adam.empty());
  for (const auto& [name, state] : published.adam) {
    CHECK(std::ranges::equal(begun.tensors.at("adam.mean." + name).bytes, state.mean.bytes));
    CHECK(std::ranges::equal(begun.tensors.at("adam.variance." + name).bytes, state.variance.bytes));
    float steps = 0;
    to_float32(begun.tensors.at("adam.steps." + name), std::span(&steps, 1));
    CHECK(steps == static_cast<float>(state.steps));
  }
}

TEST_CASE("patches whose bottom is one voxel are refused") {
  const Folder folder;
  MedLamOptions options = small(folder);
  options.patch = 16;
  CHECK_THROWS_AS(MedLamTrainer{options}, Error);
}

TEST_CASE("bfloat16 trains too") {
  const Folder folder;
  MedLamOptions options = small(folder);
  options.precision = at::kBFloat16;
  MedLamTrainer trainer(options);
  const StepResult result = trainer.step(kGoOn);
  MedLamTrainer exact(small(folder));
  CHECK(result.losses[kUam] == doctest::Approx(exact.step(kGoOn).losses[kUam]).epsilon(0.1));
}

}  // namespace
}  // namespace medlsam::training
