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
  FormulaNetwork(const Graph& graph, std::shared_ptr<std::atomic<int>> patches)
      : graph_(graph), patches_(std::move(patches)) {}

  std::vector<Tensor> run(std::span<const Tensor> inputs, const Task& task) override {
    task.check();
    const std::int64_t count = inputs[0].shape()[0];
    *patches_ += static_cast<int>(count);
    std::vector<Tensor> outputs;
    for (const Value output : graph_.outputs()) {
      Shape shape = graph_.shape(output);
      shape[0] = count;
      const float value = outputs.empty() ? 0 : 1;
      outputs.push_back(Tensor::on_host(std::vector<float>(shape_elements(shape), value), shape));
    }
    return outputs;
  }

 private:
  Graph graph_;
  std::shared_ptr<std::atomic<int>> patches_;
};

// With the sizes of conformance's MedLAM: patches of 64, 8 channels.
inline std::shared_ptr<MedLamModel> fake_medlam(std::shared_ptr<std::atomic<int>> patches) {
  const std::string path = CONFORMANCE_DIR "/medlam/medlam.pth";
  auto weights = std::make_unique<const MedLamWeights>(open_checkpoint(path), path);
  return std::make_shared<MedLamModel>(std::move(weights),
                                       [patches](const Graph& graph, const ParameterMap&) {
                                         return std::make_unique<FormulaNetwork>(graph, patches);
                                       });
}

}  // namespace medlsam::test
