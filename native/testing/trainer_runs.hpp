// Small training runs, for tests.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "testing/test_device.hpp"
#include "torch/training/medlam_task.hpp"
#include "torch/training/trainer.hpp"

namespace medlsam::training {

struct Folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("medlsam-trainer-" + std::to_string(getpid()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const std::string& name) const { return (path / name).string(); }
};

// A scan that looks different everywhere: bright at one end of each axis, with rods across it.
inline std::string write_scan_file(const Folder& folder, const std::string& name, std::int64_t shift) {
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

inline MedLamOptions small(const Folder& folder) {
  MedLamOptions options;
  options.scans = {write_scan_file(folder, "a", 0), write_scan_file(folder, "b", 1)};
  options.validation_scans = {write_scan_file(folder, "c", 2)};
  options.width = 2;
  options.patch = 32;
  options.batch = 2;
  options.epoch_steps = 40;
  options.seed = 1;
  options.learning_rate = 1e-3;
  options.device = test_device();
  options.loaders = 1;
  return options;
}

// A trainer by the options of its network.
class MedLamTrainer : public Trainer {
 public:
  using Options = MedLamOptions;
  explicit MedLamTrainer(const Options& options) : Trainer(std::make_unique<MedLamTask>(options)) {}
};

inline const torch::Check kGoOn = [] {};

inline std::vector<char> bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The largest difference of two files' tensors, as a fraction of the largest value in the tensor.
inline double difference(const std::string& first, const std::string& second, const std::string& prefix) {
  const Checkpoint a = open_checkpoint(first), b = open_checkpoint(second);
  double worst = 0;
  for (const auto& [name, view] : a.tensors) {
    if (!name.starts_with(prefix) || view.dtype != DType::kF32) continue;
    std::vector<float> left(view.elements()), right(view.elements());
    to_float32(view, left);
    to_float32(b.tensors.at(name), right);
    float apart = 0, largest = 0;
    for (std::size_t i = 0; i < left.size(); ++i) {
      apart = std::max(apart, std::abs(left[i] - right[i]));
      largest = std::max(largest, std::abs(left[i]));
    }
    worst = std::max(worst, static_cast<double>(apart) / std::max(largest, 1e-12f));
  }
  return worst;
}

// The first step of two runs, which compute one after another and two at once; each leaves its checkpoint,
// "1" and "2". Of a batch of three the last is alone.
template <class Trainer, class Options>
auto step_one_and_two_at_once(const Folder& folder, Options options) {
  options.batch = 3;
  const auto step = [&](std::int64_t micro_batch) {
    options.micro_batch = micro_batch;
    Trainer trainer(options);
    const auto result = trainer.step(kGoOn);
    trainer.save(folder.file(std::to_string(micro_batch)));
    return result;
  };
  return std::array{step(1), step(2)};
}

// Two runs of six steps, one of which is stopped in the middle of its fourth and resumed from its checkpoint.
struct StoppedRun {
  bool stopped = false;
  std::int64_t saved_steps = 0, loaded_steps = 0;
  std::vector<char> whole, resumed;  // the checkpoints at the end
};

template <class Trainer, class Options>
StoppedRun stop_and_resume(const Folder& folder, const Options& options) {
  const auto steps = [](Trainer& trainer, int count) {
    for (int i = 0; i < count; ++i) trainer.step(kGoOn);
  };
  StoppedRun run;
  Trainer whole(options);
  steps(whole, 6);
  whole.save(folder.file("whole"));
  {
    Trainer begun(options);
    steps(begun, 3);
    int checks = 0;
    try {
      begun.step([&] {
        if (++checks > 30) throw Error(ErrorCode::kAborted, "stop");
      });
    } catch (const Error&) {
      run.stopped = true;
    }
    run.saved_steps = begun.steps();
    begun.save(folder.file("begun"));
  }
  Trainer resumed(options);
  resumed.load(folder.file("begun"));
  run.loaded_steps = resumed.steps();
  steps(resumed, 3);
  resumed.save(folder.file("resumed"));
  run.whole = bytes_of(folder.file("whole"));
  run.resumed = bytes_of(folder.file("resumed"));
  return run;
}

}  // namespace medlsam::training
