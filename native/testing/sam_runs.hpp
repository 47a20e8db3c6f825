// Small training runs of SAM, for tests.
#pragma once

#include <string>
#include <vector>

#include "testing/trainer_runs.hpp"
#include "torch/training/sam_task.hpp"

namespace medlsam::training {

inline constexpr Index3 kShape = {10, 24, 32};
inline constexpr Affine kAffine = {2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 5, 0, 0, 0, 0, 1};

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

struct Ball {
  std::int64_t z, y, x, radius;
  std::uint8_t label;
  std::int16_t hu;
};

// Balls, twice as long in the plane as across it.
inline std::string write_annotated(const Folder& folder, const std::string& name,
                                   const std::vector<Ball>& balls) {
  std::vector<std::int16_t> image;
  std::vector<std::uint8_t> labels;
  for (std::int64_t z = 0; z < kShape[0]; ++z) {
    for (std::int64_t y = 0; y < kShape[1]; ++y) {
      for (std::int64_t x = 0; x < kShape[2]; ++x) {
        image.push_back(static_cast<std::int16_t>(5 * ((3 * x + 5 * y + 7 * z) % 11) - 100));
        labels.push_back(0);
        for (const Ball& ball : balls) {
          const std::int64_t dz = 2 * (z - ball.z), dy = y - ball.y, dx = x - ball.x;
          if (dz * dz + dy * dy + dx * dx > ball.radius * ball.radius) continue;
          image.back() = ball.hu;
          labels.back() = ball.label;
        }
      }
    }
  }
  Task task;
  write_annotated_scan(folder.file(name), volume_of(DType::kI16, image), volume_of(DType::kU8, labels), task);
  return folder.file(name);
}

inline SamOptions small_sam(const Folder& folder) {
  SamOptions options;
  options.scans = {write_annotated(folder, "a", {{4, 8, 9, 7, 3, 300}, {6, 15, 22, 8, 7, -400}}),
                   write_annotated(folder, "b", {{5, 14, 10, 8, 3, 350}, {4, 9, 23, 6, 7, -350}})};
  options.validation_scans = {write_annotated(folder, "c", {{5, 10, 8, 7, 3, 320}, {5, 13, 23, 7, 7, -380}})};
  options.sizes = {64, 8, 32, 2, 2, 64, 4, {1}, 32, 64};
  options.batch = 2;
  options.prompts = 8;
  options.loaders = 1;
  options.epoch_steps = 40;
  options.epochs = 6;
  options.seed = 1;
  options.learning_rate = 3e-3;
  options.jitter = 2;
  options.device = test_device();
  return options;
}

class SamTrainer : public Trainer {
 public:
  using Options = SamOptions;
  explicit SamTrainer(const Options& options) : Trainer(std::make_unique<SamTask>(options)) {}
};

}  // namespace medlsam::training
