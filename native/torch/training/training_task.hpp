// Everything that the trainer (trainer.hpp) leaves to each network: scans, batches, losses, learning rate and
// the settings in its checkpoints.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "torch/aten/execute.hpp"
#include "torch/training/checkpoint_file.hpp"
#include "torch/training/optimizer.hpp"
#include "torch/training/peers.hpp"
#include "torch/training/trainer_options.hpp"

namespace medlsam::training {

// Examples of a batch that are computed at once.
struct Group {
  std::vector<std::int64_t> examples;  // their places in the batch
  std::int64_t begin;                  // of the first of them among those of this process
};

// The batch of one step. A loader's thread draws it (TrainingTask::draw); the rest is the training thread's.
class TrainingStep {
 public:
  virtual ~TrainingStep() = default;

  // Computes the figures of the whole batch that its parts need; `own` are the places of this process's
  // examples.
  virtual void begin(const std::vector<std::int64_t>& own, Peers& peers);
  // Adds the group's part of the batch's gradient to the weights' and returns its part of the losses.
  virtual std::vector<double> accumulate(const Group& group, const torch::Check& check) = 0;
};

// A figure of validation and, where the scans are annotated, of each of their labels.
struct Validation {
  double figure = 0;
  std::map<std::int32_t, double> labels;
};

class TrainingTask {
 public:
  using Owned = std::function<bool(std::int64_t example)>;

  virtual ~TrainingTask() = default;
  TrainingTask(const TrainingTask&) = delete;
  TrainingTask& operator=(const TrainingTask&) = delete;

  virtual const TrainerOptions& options() const = 0;
  const at::TensorOptions& arithmetic() const { return arithmetic_; }  // device and float32
  // The network's tensors under their official names, float32. Those that are trained want a gradient.
  const torch::WeightMap& weights() const { return weights_; }
  Optimizer& optimizer() const { return *optimizer_; }

  virtual std::vector<std::string> loss_names() const = 0;  // as messages call them
  virtual double learning_rate(std::int64_t step) const = 0;
  // The batch of a step, the same on every thread and in every process; what only the owner of an example
  // needs may be left out of the others. Safe to call from several threads.
  virtual std::unique_ptr<TrainingStep> draw(std::int64_t step, const Owned& owned) const = 0;
  // The same examples each time; without gradients.
  virtual Validation validate(std::int64_t count, const torch::Check& check) const = 0;

  virtual const char* checkpoint_format() const = 0;
  // Settings of this network that a resumed run must share with the run that was saved, besides those of all
  // networks.
  virtual Metadata settings() const = 0;
  // The trained network alone, as its published code names it.
  virtual void write_model(const std::string& path, const Metadata& metadata) const = 0;

 protected:
  // Throws kBadArgument if there is no scan to train on, kRuntimeUnavailable for a device that is not there.
  explicit TrainingTask(const TrainerOptions& options);

  // Copies the weights to the device and gives those that are trained an optimizer.
  void adopt_weights(const std::map<std::string, TensorView>& tensors,
                     const std::function<bool(const std::string& name)>& is_trained, double weight_decay,
                     Decay decay);

 private:
  at::TensorOptions arithmetic_;
  torch::WeightMap weights_;
  std::unique_ptr<Optimizer> optimizer_;
};

template <class Scan>
std::vector<Scan> open_scans(const std::vector<std::string>& paths) {
  std::vector<Scan> scans;
  for (const std::string& path : paths) scans.emplace_back(path);
  return scans;
}

}  // namespace medlsam::training
