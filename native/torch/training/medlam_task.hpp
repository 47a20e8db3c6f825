// The parts of training that are MedLAM's own (algorithm.md part 8).
#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "networks/graph.hpp"
#include "networks/medlam_weights.hpp"
#include "torch/training/training_task.hpp"
#include "training_data/medlam_batch.hpp"

namespace medlsam::training {

// lib/training/medlam-options.ts has what the options mean, their defaults and limits.
struct MedLamOptions : TrainerOptions {
  // 0: those of `from`; a multiple of its width widens it (medlam_initial_weights.hpp).
  std::int64_t width = 0, patch = 0;
  std::int64_t uam_steps = 0;
  double foreground = -1000;  // HU

  void describe(OptionFields& fields) {
    TrainerOptions::describe(fields);
    fields.add("width", width);
    fields.add("patch", patch);
    fields.add("uamSteps", uam_steps);
    fields.add("foreground", foreground);
  }
};

// The losses of a step, in their order: mm², and 0 for MSS while UAM is trained alone.
enum MedLamLoss : std::size_t { kUam, kMss };

class MedLamTask : public TrainingTask {
 public:
  // Throws kBadArgument, and what opening the scans and the checkpoint to start from throws. A published
  // training checkpoint brings Adam's state along.
  explicit MedLamTask(MedLamOptions options);

  const TrainerOptions& options() const override { return options_; }
  std::vector<std::string> loss_names() const override { return {"UAM", "MSS"}; }
  double learning_rate(std::int64_t step) const override;
  std::unique_ptr<TrainingStep> draw(std::int64_t step, const Owned& owned) const override;
  // Root mean square error in mm of UAM over `pairs` pairs of clean patches.
  Validation validate(std::int64_t pairs, const torch::Check& check) const override;

  const char* checkpoint_format() const override { return "medlsam training checkpoint 1"; }
  Metadata settings() const override;
  void write_model(const std::string& path, const Metadata& metadata) const override;

 private:
  class Step;
  // Dropout's masks in training: one for each example, alike for all rounds of its patches.
  struct Dropout {
    std::int64_t step;
    const std::vector<std::int64_t>& examples;
  };

  Checkpoint open_weights();
  std::vector<at::Tensor> forward(const Graph& graph, const at::Tensor& patches,
                                  const std::optional<Dropout>& dropout, const torch::Check& check) const;
  at::Tensor drop(const at::Tensor& features, const Dropout& dropout) const;
  at::Tensor rows(const std::vector<float>& values, const std::vector<std::int64_t>& examples,
                  std::vector<std::int64_t> shape) const;
  at::Tensor patches(const std::vector<float>& values, const std::vector<std::int64_t>& examples) const;

  MedLamOptions options_;
  Foreground foreground_;  // of options_.foreground, in the grid's intensities
  std::vector<Scan> scans_, validation_scans_;
  std::unique_ptr<const MedLamWeights> layout_;  // names and shapes
  Graph encoder_, network_;                      // for positions alone, and with the features of all scales
};

}  // namespace medlsam::training
