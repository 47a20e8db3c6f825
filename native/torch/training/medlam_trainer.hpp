// Trains MedLAM (algorithm.md part 8). What a run does is settled by its options and seed: every step's
// random numbers come from its number, so a run that is stopped, saved and resumed goes on as if it had not
// been.
#pragma once

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <memory>
#include <string>
#include <vector>

#include "networks/medlam_weights.hpp"
#include "torch/aten/execute.hpp"
#include "torch/training/medlam_losses.hpp"
#include "torch/training/optimizer.hpp"
#include "torch/training/peers.hpp"
#include "training_data/loader.hpp"
#include "training_data/medlam_batch.hpp"

namespace medlsam::training {

struct TrainerOptions {
  std::vector<std::string> scans, validation_scans;  // files of write_scan
  // 0: those of `from`; a multiple of its width widens it (initial_weights.hpp).
  std::int64_t width = 24, patch = 64;
  std::int64_t batch = 4, epoch_steps = 1000;
  std::int64_t micro_batch = 0;  // scans computed at once; 0: one on a CPU, the batch on a GPU
  std::uint64_t seed = 0;
  // Steps at the beginning that train UAM alone, on clean patches: the decoder, which takes most of a step's
  // time, then starts from an encoder that knows the body. Not in the paper; 0 is as published.
  std::int64_t uam_steps = 0;
  Foreground foreground;
  double learning_rate = 1e-4, weight_decay = 1e-4;
  double dropout = 0.2;  // of level 4
  // A MedLAM checkpoint whose weights to start from, and Adam's state if it is the published code's training
  // checkpoint; "": random weights.
  std::string from;
  std::string device = "cpu";
  at::ScalarType precision = at::kFloat;  // of the network; weights, losses and Adam are float32
  int loaders = 1;                        // threads that make batches; 0: made between the steps
  PeerOptions peers;  // of a run in several processes, which does the same steps as one in one
};

struct StepResult {
  double uam = 0, mss = 0;  // uam in mm²; mss is 0 while UAM is trained alone
  double gradient = 0;      // its norm, before clipping
  double learning_rate = 0;
  double wait_seconds = 0;  // for the batch
};

class Trainer {
 public:
  // Throws kBadArgument, and what opening the scans and the checkpoint to start from throws.
  explicit Trainer(TrainerOptions options);

  // Steps done since the beginning, earlier runs included.
  std::int64_t steps() const { return steps_; }

  // One step. Throws kBadArgument if loss or gradient is not finite, kAborted from `check`,
  // kRuntimeUnavailable; the weights are then those of the last whole step. With peers, all stop before the
  // same step.
  StepResult step(const torch::Check& check);

  // Root mean square error in mm of UAM over `pairs` pairs of clean patches, always the same.
  double validate(std::int64_t pairs, const torch::Check& check);

  // Everything that goes on: weights under their official names, Adam's state, step, the options that matter.
  void save(const std::string& path) const;
  // Throws kBadCheckpoint if the file is not of save() or of a run with other options.
  void load(const std::string& path);
  // The weights alone, as the published code names them; as torch.save writes them for a path ending in .pth.
  void export_model(const std::string& path) const;

 private:
  struct Micro;  // what a group of scans adds to the losses
  // Of this process's scans: of each of their two patches; the counts are the whole batch's.
  struct Targets {
    std::array<MssTargets, 2> of_side;
    std::array<MssCounts, 2> counts;
  };
  // Some of this process's scans: which they are in the batch, and where they begin among its own.
  struct Group {
    std::vector<std::int64_t> scans;
    std::int64_t begin;
  };

  Checkpoint open_weights();
  double learning_rate() const;
  void start_loader();
  at::Tensor rows(const std::vector<float>& values, const std::vector<std::int64_t>& scans,
                  std::vector<std::int64_t> shape) const;
  at::Tensor patches(const std::vector<float>& values, const std::vector<std::int64_t>& scans) const;
  std::vector<at::Tensor> forward(const Graph& graph, const at::Tensor& patches,
                                  const std::vector<std::int64_t>& dropped, const torch::Check& check);
  std::vector<std::int64_t> own_scans() const;
  std::vector<Group> groups() const;
  Targets targets(const Batch& batch);
  void check_together(const torch::Check& check);
  void sum_with_peers(StepResult& result);
  bool is_uam_alone(std::int64_t step) const { return step < options_.uam_steps; }
  Micro accumulate(const Batch& batch, const Group& group, const Targets& targets, const torch::Check& check);
  Micro accumulate_uam(const Batch& batch, const Group& group, const torch::Check& check);
  Metadata settings() const;

  TrainerOptions options_;
  at::TensorOptions arithmetic_;  // device and float32
  std::vector<Scan> scans_, validation_scans_;
  std::unique_ptr<const MedLamWeights> layout_;  // names and shapes
  Graph encoder_, network_;                      // for positions alone, and with the features of all scales
  torch::WeightMap weights_;
  std::unique_ptr<Optimizer> optimizer_;  // of the weights
  std::int64_t steps_ = 0;
  std::unique_ptr<Peers> peers_;
  std::unique_ptr<Loader<Batch>> loader_;
};

}  // namespace medlsam::training
