// Trains a network (algorithm.md part 8). Options and seed settle what a run does: every step's random
// numbers come from its number, so a run that is stopped, saved and resumed goes on as if it had not been.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "torch/training/training_task.hpp"
#include "training_data/loader.hpp"

namespace medlsam::training {

struct StepResult {
  std::vector<double> losses;  // of the whole batch, in the order of the task's names
  double gradient = 0;         // its norm, before clipping
  double learning_rate = 0;
  double wait_seconds = 0;  // of `seconds`, those spent waiting for the batch
  double seconds = 0;
};

class Trainer {
 public:
  // Waits for the run's other processes. Throws kBadArgument if there are more of them than examples in a
  // batch, kRuntimeUnavailable.
  explicit Trainer(std::unique_ptr<TrainingTask> task);
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  // Steps done since the beginning, earlier runs included.
  std::int64_t steps() const { return steps_; }

  // One step. Throws kBadArgument if a loss or the gradient is not finite, kAborted from `check`,
  // kRuntimeUnavailable; the weights are then those of the last whole step. With peers, all stop before the
  // same step.
  StepResult step(const torch::Check& check);

  // Throws kBadArgument if there is no validation scan.
  Validation validate(std::int64_t count, const torch::Check& check);

  // Everything that a resumed run needs: weights under their official names, Adam's state, step, settings.
  void save(const std::string& path) const;
  // Throws kBadCheckpoint if the file is not of save() or of a run with other settings.
  void load(const std::string& path);
  // The weights alone, as the published code names them; as torch.save writes them for a path ending in .pth.
  void export_model(const std::string& path) const;

 private:
  void start_loader();
  std::vector<std::int64_t> own_examples() const;
  std::vector<Group> groups(const std::vector<std::int64_t>& own) const;
  void compute(TrainingStep& batch, StepResult& result, const torch::Check& check);
  void check_together(const torch::Check& check);
  void sum_with_peers(std::vector<double>& losses);
  void require_finite(const StepResult& result) const;
  Metadata settings() const;

  std::unique_ptr<TrainingTask> task_;
  std::int64_t steps_ = 0;
  Peers peers_;
  std::unique_ptr<Loader<std::unique_ptr<TrainingStep>>> loader_;
};

// The trainer that a document asks for: {"medlam": {…}} with MedLamOptions or {"sam": {…}} with SamOptions.
// Throws kBadArgument naming what is wrong with it, and what the network's task throws.
std::unique_ptr<Trainer> make_trainer(std::string_view document);

}  // namespace medlsam::training
