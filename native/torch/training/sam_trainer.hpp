// Trains SAM on annotated scans with boxes that err as MedLAM's do: the mask decoder of a published SAM, as
// MedSAM was made, the whole of it, or a small SAM from random weights. As with MedLAM (trainer.hpp), options
// and seed settle what a run does.
#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "networks/sam_weights.hpp"
#include "torch/aten/execute.hpp"
#include "torch/training/optimizer.hpp"
#include "torch/training/sam_initial_weights.hpp"
#include "training_data/loader.hpp"
#include "training_data/sam_batch.hpp"

namespace medlsam::training {

struct SamTrainerOptions {
  std::vector<std::string> scans, validation_scans;  // files of write_annotated_scan
  std::string from;                                  // a SAM to go on from; empty: a new one of `sizes`
  SamSizes sizes;
  bool encoder = false;  // train the image encoder of `from` too; a new SAM is trained whole
  std::int64_t batch = 1, prompts = 8, epoch_steps = 1000, epochs = 20;
  std::int64_t micro_batch = 0;  // slices computed at once; 0: one on a CPU, the batch on a GPU
  std::uint64_t seed = 0;
  double learning_rate = 1e-4, weight_decay = 0.01;
  double jitter = 4;  // deviation of the boxes' bounds in mm
  std::string device = "cpu";
  at::ScalarType precision = at::kFloat;  // of the network; weights, losses and Adam are float32
  int loaders = 1;                        // threads that make batches; 0: made between the steps
};

struct SamStepResult {
  double dice = 0, cross_entropy = 0, iou = 0;  // means over the step's prompts (sam_losses.hpp)
  double gradient = 0;                          // its norm, before clipping
  double learning_rate = 0;
  double wait_seconds = 0;  // for the batch
};

class SamTrainer {
 public:
  // Throws kBadArgument, kBadCheckpoint (`from` is no SAM), kBadLabels (no scan shows an organ), and what
  // opening the scans throws.
  explicit SamTrainer(SamTrainerOptions options);

  // Steps done since the beginning, earlier runs included.
  std::int64_t steps() const { return steps_; }

  // One step. Throws kBadArgument if loss or gradient is not finite, kAborted from `check`; the weights are
  // then those of the last whole step.
  SamStepResult step(const torch::Check& check);

  // Mean Dice of the validation scans' organs, on up to `slices` slices of each scan, evenly spread; prompts
  // are the organs' boxes in the scan.
  double validate(std::int64_t slices, const torch::Check& check);

  // Everything that goes on: weights under their official names, Adam's state, step, the options that matter.
  void save(const std::string& path) const;
  // Throws kBadCheckpoint if the file is not of save() or of a run with other options.
  void load(const std::string& path);
  // The weights alone, under their official names.
  void export_model(const std::string& path) const;

 private:
  struct Masks {
    at::Tensor logits, ious;  // (prompts, 1, L, L), (prompts, 1)
  };

  bool is_trained(const std::string& name) const;
  SamDrawing drawing() const;
  double learning_rate() const;
  void start_loader();
  torch::WeightMap network_weights() const;
  std::int64_t micro_batch() const;
  at::Tensor prompt_tokens(std::span<const SamExample> examples) const;
  Masks forward(std::span<const SamExample> examples, const torch::Check& check) const;
  SamStepResult accumulate(std::span<const SamExample> examples, std::int64_t prompts,
                           const torch::Check& check);
  at::Tensor targets(std::span<const SamExample> examples) const;
  Metadata settings() const;

  SamTrainerOptions options_;
  at::TensorOptions arithmetic_;  // device and float32
  std::vector<AnnotatedScan> scans_, validation_scans_;
  std::unique_ptr<const SamWeights> layout_;  // names, shapes and what is not trained
  Graph encoder_, decoder_;
  torch::WeightMap weights_;
  std::unique_ptr<Optimizer> optimizer_;  // of those that are trained
  std::int64_t steps_ = 0;
  std::unique_ptr<Loader<SamBatch>> loader_;
};

}  // namespace medlsam::training
