// A training::Trainer or SamTrainer that lives in the torch plugin.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "base/task.hpp"
#include "runtimes/torch/library.hpp"

namespace medlsam::torch {

struct PluginTrainerOptions {
  std::vector<std::string> scans, validation_scans;
  std::int64_t width = 0, patch = 0, batch = 0, micro_batch = 0, epoch_steps = 0, uam_steps = 0;
  std::string from;
  std::uint64_t seed = 0;
  double learning_rate = 0, foreground = 0;
  std::string device;
  std::int32_t precision = MEDLSAM_TORCH_FLOAT32, loaders = 1;
  std::int32_t rank = 0, processes = 1;
  std::string meeting_file, meeting_host;
  std::uint16_t meeting_port = 0;
};

struct PluginSamTrainerOptions {
  std::vector<std::string> scans, validation_scans;
  std::string from;  // empty: a new network
  std::int64_t image_size = 0, patch = 0, width = 0, depth = 0, heads = 0, mlp = 0, window = 0, channels = 0,
               decoder_mlp = 0;
  std::vector<std::int32_t> global_blocks;
  bool encoder = false;
  std::int64_t batch = 0, micro_batch = 0, prompts = 0, epoch_steps = 0, epochs = 0;
  std::uint64_t seed = 0;
  double learning_rate = 0, jitter = 0;
  std::string device;
  std::int32_t precision = MEDLSAM_TORCH_FLOAT32, loaders = 1;
};

// Calls from several threads take turns.
class PluginTrainer {
 public:
  PluginTrainer(const MedlsamTorchTable& table, const PluginTrainerOptions& options);
  PluginTrainer(const MedlsamTorchTable& table, const PluginSamTrainerOptions& options);
  ~PluginTrainer();
  PluginTrainer(const PluginTrainer&) = delete;
  PluginTrainer& operator=(const PluginTrainer&) = delete;

  // Fewer steps than asked for if the task is cancelled, or if a later one failed: the next call says why.
  std::vector<MedlsamTrainerStep> run(std::int64_t steps, const Task& task);
  double validate(std::int64_t count, const Task& task);
  void save(const std::string& path);
  void load(const std::string& path);
  void export_model(const std::string& path);
  std::int64_t steps() const { return table_.trainer_steps(trainer_); }

 private:
  const MedlsamTorchTable& table_;
  void* trainer_ = nullptr;
  std::mutex mutex_;
};

}  // namespace medlsam::torch
