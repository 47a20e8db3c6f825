// A training::Trainer that lives in the torch plugin.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/task.hpp"
#include "runtimes/torch/library.hpp"

namespace medlsam::torch {

struct TrainerStep {
  std::int64_t step = 0;  // steps done, this one included
  std::vector<double> losses;
  double gradient = 0, learning_rate = 0, wait_seconds = 0, seconds = 0;
};

struct TrainerValidation {
  double figure = 0;
  std::map<std::int32_t, double> labels;  // of annotated scans
};

// Calls from several threads take turns.
class PluginTrainer {
 public:
  // `document`: JSON, as training::make_trainer reads it.
  PluginTrainer(const MedlsamTorchTable& table, const std::string& document);
  ~PluginTrainer();
  PluginTrainer(const PluginTrainer&) = delete;
  PluginTrainer& operator=(const PluginTrainer&) = delete;

  // Fewer steps than asked for if the task is cancelled, or if a later one failed: the next call then throws
  // the failure.
  std::vector<TrainerStep> run(std::int64_t steps, const Task& task);
  TrainerValidation validate(std::int64_t count, const Task& task);
  void save(const std::string& path);
  void load(const std::string& path);
  void export_model(const std::string& path);
  std::int64_t steps() const { return table_.trainer.steps(trainer_); }

 private:
  const MedlsamTorchTable& table_;
  void* trainer_ = nullptr;
  std::mutex mutex_;
};

}  // namespace medlsam::torch
