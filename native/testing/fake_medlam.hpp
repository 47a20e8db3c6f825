// A MedLAM whose network is a formula, for tests of what is done with its answers.
#pragma once

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "checkpoints/checkpoint.hpp"
#include "networks/medlam_model.hpp"

namespace medlsam::test {

// Answers each patch with the position (0, 0, 0) and features of 1, and counts the patches.
class FormulaNetwork : public Network {
 public:
  FormulaNetwork(const MedLamWeights& weights, int deepest, std::shared_ptr<std::atomic<int>> patches)
      : edge_(weights.patch()),
        channels_(weights.feature_channels()),
        deepest_(deepest),
        patches_(std::move(patches)) {}

  std::vector<Array> run(std::span<const Array> inputs, const Task& task) override {
    task.check();
    const std::int64_t count = inputs[0].shape[0];
    *patches_ += static_cast<int>(count);
    std::vector<Array> outputs = {constant(0, {count, 3})};
    for (int k = 0; k <= deepest_; ++k) {
      const std::int64_t edge = edge_ >> (2 - k);
      outputs.push_back(constant(1, {count, channels_, edge, edge, edge}));
    }
    return outputs;
  }

 private:
  static Array constant(float value, std::vector<std::int64_t> shape) {
    std::size_t elements = 1;
    for (const std::int64_t extent : shape) elements *= static_cast<std::size_t>(extent);
    const auto values = std::make_shared<std::vector<float>>(elements, value);
    return {values->data(), std::move(shape), values};
  }

  std::int64_t edge_, channels_;
  int deepest_;
  std::shared_ptr<std::atomic<int>> patches_;
};

// With the sizes of conformance's MedLAM: patches of 64, 8 channels.
inline std::shared_ptr<MedLamModel> fake_medlam(std::shared_ptr<std::atomic<int>> patches) {
  const std::string path = CONFORMANCE_DIR "/medlam/medlam.pth";
  auto weights = std::make_unique<const MedLamWeights>(open_checkpoint(path), path);
  return std::make_shared<MedLamModel>(std::move(weights), [patches](const MedLamWeights& its, int deepest) {
    return std::make_unique<FormulaNetwork>(its, deepest, patches);
  });
}

}  // namespace medlsam::test
