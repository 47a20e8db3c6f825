// SAM's training, small: what it learns, and that stopping and resuming changes nothing.
// Before doctest, whose CHECK libtorch would replace by its own.
#include "torch/training/sam_task.hpp"

#include <doctest/doctest.h>

#include "testing/sam_runs.hpp"

namespace medlsam::training {
namespace {

std::vector<float> values_of(const Checkpoint& checkpoint, const std::string& name) {
  const TensorView& view = checkpoint.tensors.at(name);
  std::vector<float> values(view.elements());
  to_float32(view, values);
  return values;
}

TEST_CASE("a new SAM's losses fall, and it finds the organs of another scan") {
  const Folder folder;
  SamTrainer trainer(small_sam(folder));
  const double before = trainer.validate(8, kGoOn).figure;
  CHECK(trainer.validate(8, kGoOn).figure == before);
  double first = 0, last = 0;
  for (int i = 0; i < 240; ++i) {
    const StepResult result = trainer.step(kGoOn);
    if (i < 20) first += result.losses[kDice] / 20;
    if (i >= 220) last += result.losses[kDice] / 20;
  }
  CHECK(last < 0.5 * first);
  const double after = trainer.validate(8, kGoOn).figure;
  CHECK(after > 0.7);
  CHECK(before < 0.5);
}

TEST_CASE("a SAM run that was stopped and resumed equals one that was not, to the bit") {
  const Folder folder;
  const StoppedRun run = stop_and_resume<SamTrainer>(folder, small_sam(folder));
  CHECK(run.stopped);
  // The step that was stopped counts for nothing.
  CHECK(run.saved_steps == 3);
  CHECK(run.loaded_steps == 3);
  CHECK(run.whole == run.resumed);
}

TEST_CASE("slices computed at once have the gradient and the losses of one after another") {
  const Folder folder;
  const auto results = step_one_and_two_at_once<SamTrainer>(folder, small_sam(folder));
  CHECK(results[1].losses[kDice] == doctest::Approx(results[0].losses[kDice]).epsilon(1e-4));
  CHECK(results[1].losses[kCrossEntropy] == doctest::Approx(results[0].losses[kCrossEntropy]).epsilon(1e-4));
  CHECK(results[1].gradient == doctest::Approx(results[0].gradient).epsilon(1e-3));
  // Biases of keys have no gradient but rounding.
  for (const char* name : {"image_encoder.patch_embed", "image_encoder.neck", "mask_decoder.output"})
    CHECK(difference(folder.file("1"), folder.file("2"), std::string("adam.mean.") + name) < 1e-3);
}

TEST_CASE("of a SAM to go on from the mask decoder is trained, and what else is asked for") {
  const Folder folder;
  SamOptions options = small_sam(folder);
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
  SamOptions options = small_sam(folder);
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
  SamOptions options = small_sam(folder);
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
    options.scans = {write_annotated(folder, "empty", {})};
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
