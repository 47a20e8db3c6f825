// Training, small: what it learns, and that stopping and resuming changes nothing.
#include "training/trainer.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

namespace medlsam::training {
namespace {

struct Folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("medlsam-trainer-" + std::to_string(getpid()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const std::string& name) const { return (path / name).string(); }
};

// A scan that looks different everywhere: bright at one end of each axis, with rods across it.
std::string write_scan_file(const Folder& folder, const std::string& name, std::int64_t shift) {
  const Index3 inner = {60, 48, 52};
  Grid grid;
  for (int a = 0; a < 3; ++a) grid.shape[a] = inner[a] + 2 * kGridPadding;
  grid.values.resize(static_cast<std::size_t>(grid.shape[0] * grid.shape[1] * grid.shape[2]));
  for (std::int64_t z = 0; z < inner[0]; ++z) {
    for (std::int64_t y = 0; y < inner[1]; ++y) {
      for (std::int64_t x = 0; x < inner[2]; ++x) {
        const std::int64_t row = ((z + kGridPadding) * grid.shape[1] + y + kGridPadding) * grid.shape[2];
        const auto wave =
            std::sin(0.7 * static_cast<double>(z + shift)) * std::cos(0.5 * static_cast<double>(y));
        const auto rise = static_cast<double>(z) / 60 + static_cast<double>(x) / 100;
        grid.values[static_cast<std::size_t>(row + x + kGridPadding)] =
            static_cast<float>(0.2 + 0.1 * wave + 0.4 * rise);
      }
    }
  }
  write_scan(folder.file(name), grid);
  return folder.file(name);
}

TrainerOptions small(const Folder& folder) {
  TrainerOptions options;
  options.scans = {write_scan_file(folder, "a", 0), write_scan_file(folder, "b", 1)};
  options.validation_scans = {write_scan_file(folder, "c", 2)};
  options.width = 2;
  options.patch = 32;
  options.batch = 2;
  options.epoch_steps = 40;
  options.seed = 1;
  options.learning_rate = 1e-3;
  return options;
}

const torch::Check kGoOn = [] {};

std::vector<char> bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_CASE("the losses fall, and held-out patches are placed better") {
  const Folder folder;
  Trainer trainer(small(folder));
  const double before = trainer.validate(24, kGoOn);
  CHECK(trainer.validate(24, kGoOn) == before);
  double first_uam = 0, first_mss = 0, last_uam = 0, last_mss = 0;
  for (int i = 0; i < 80; ++i) {
    const StepResult result = trainer.step(kGoOn);
    (i < 20 ? first_uam : last_uam) += i < 20 || i >= 60 ? result.uam / 20 : 0;
    (i < 20 ? first_mss : last_mss) += i < 20 || i >= 60 ? result.mss / 20 : 0;
  }
  CHECK(last_uam < 0.7 * first_uam);
  CHECK(last_mss < first_mss);
  CHECK(trainer.validate(24, kGoOn) < 0.9 * before);
}

TEST_CASE("a run that was stopped and resumed equals one that was not, to the bit") {
  const Folder folder;
  const TrainerOptions options = small(folder);
  Trainer whole(options);
  for (int i = 0; i < 6; ++i) whole.step(kGoOn);
  whole.save(folder.file("whole"));

  {
    Trainer begun(options);
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
  Trainer resumed(options);
  resumed.load(folder.file("begun"));
  CHECK(resumed.steps() == 3);
  for (int i = 0; i < 3; ++i) resumed.step(kGoOn);
  resumed.save(folder.file("resumed"));
  CHECK(bytes_of(folder.file("whole")) == bytes_of(folder.file("resumed")));
}

TEST_CASE("the learning rate falls by a fifth after ten epochs") {
  const Folder folder;
  TrainerOptions options = small(folder);
  options.epoch_steps = 1;
  options.batch = 1;
  Trainer trainer(options);
  for (int i = 0; i < 10; ++i) CHECK(trainer.step(kGoOn).learning_rate == 1e-3);
  CHECK(trainer.step(kGoOn).learning_rate == doctest::Approx(0.8e-3));
}

TEST_CASE("a run that diverges says so and keeps its weights") {
  const Folder folder;
  TrainerOptions options = small(folder);
  options.learning_rate = 1e30;
  Trainer trainer(options);
  CHECK_THROWS_WITH_AS(
      [&] {
        for (int i = 0; i < 5; ++i) trainer.step(kGoOn);
      }(),
      doctest::Contains("Training diverged at step"), Error);
}

TEST_CASE("checkpoints of other runs and damaged ones are refused") {
  const Folder folder;
  TrainerOptions options = small(folder);
  Trainer trainer(options);
  trainer.save(folder.file("saved"));
  options.seed = 2;
  CHECK_THROWS_WITH_AS(Trainer(options).load(folder.file("saved")), doctest::Contains("another seed"), Error);
  options.seed = 1;
  trainer.export_model(folder.file("model"));
  CHECK_THROWS_WITH_AS(Trainer(options).load(folder.file("model")),
                       doctest::Contains("not a training checkpoint"), Error);
  std::filesystem::resize_file(folder.file("saved"), std::filesystem::file_size(folder.file("saved")) / 2);
  CHECK_THROWS_AS(Trainer(options).load(folder.file("saved")), Error);
}

TEST_CASE("a saved run and an exported model both load as MedLAM") {
  const Folder folder;
  const TrainerOptions options = small(folder);
  Trainer trainer(options);
  trainer.step(kGoOn);
  trainer.save(folder.file("saved"));
  trainer.export_model(folder.file("model"));
  const MedLamWeights saved(open_checkpoint(folder.file("saved")), "saved");
  const MedLamWeights exported(open_checkpoint(folder.file("model")), "model");
  CHECK(saved.width() == 2);
  CHECK(saved.patch() == 32);
  CHECK(saved.digest() == exported.digest());
}

TEST_CASE("patches whose bottom is one voxel are refused") {
  const Folder folder;
  TrainerOptions options = small(folder);
  options.patch = 16;
  CHECK_THROWS_AS(Trainer{options}, Error);
}

TEST_CASE("bfloat16 trains too") {
  const Folder folder;
  TrainerOptions options = small(folder);
  options.precision = at::kBFloat16;
  Trainer trainer(options);
  const StepResult result = trainer.step(kGoOn);
  Trainer exact(small(folder));
  CHECK(result.uam == doctest::Approx(exact.step(kGoOn).uam).epsilon(0.05));
}

}  // namespace
}  // namespace medlsam::training
