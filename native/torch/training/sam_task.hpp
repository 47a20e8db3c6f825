// The training of SAM: annotated scans, prompted by boxes with errors like those of MedLAM's. It trains the
// mask decoder of a published SAM, as MedSAM was made, the whole of one, or a small SAM from random weights.
#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "networks/graph.hpp"
#include "networks/sam_weights.hpp"
#include "torch/training/sam_initial_weights.hpp"
#include "torch/training/training_task.hpp"
#include "training_data/sam_batch.hpp"

namespace medlsam::training {

// lib/training/sam-options.ts has what the options mean, their defaults and limits.
struct SamOptions : TrainerOptions {
  SamSizes sizes;        // of a new network
  bool encoder = false;  // train the image encoder of `from` too; a new SAM is trained whole
  std::int64_t prompts = 0, epochs = 0;
  double jitter = 0;  // mm

  void describe(OptionFields& fields) {
    TrainerOptions::describe(fields);
    fields.add("sizes", sizes);
    fields.add("encoder", encoder);
    fields.add("prompts", prompts);
    fields.add("epochs", epochs);
    fields.add("jitter", jitter);
  }
};

// The losses of a step, in their order: means over its prompts (sam_losses.hpp).
enum SamLoss : std::size_t { kDice, kCrossEntropy, kIou };

class SamTask : public TrainingTask {
 public:
  // Throws kBadArgument, kBadCheckpoint (`from` is not a SAM), kBadLabels (no scan shows an organ), and what
  // opening the scans throws.
  explicit SamTask(SamOptions options);

  const TrainerOptions& options() const override { return options_; }
  std::vector<std::string> loss_names() const override {
    return {"Dice loss", "cross-entropy", "squared error of the IoU"};
  }
  double learning_rate(std::int64_t step) const override;
  std::unique_ptr<TrainingStep> draw(std::int64_t step, const Owned& owned) const override;
  // Mean Dice of the validation scans' organs, on up to `slices` slices of each scan, evenly spread; prompts
  // are the organs' boxes in the scan.
  Validation validate(std::int64_t slices, const torch::Check& check) const override;

  const char* checkpoint_format() const override { return "medlsam SAM training checkpoint 1"; }
  Metadata settings() const override;
  void write_model(const std::string& path, const Metadata& metadata) const override;

 private:
  class Step;
  struct Overlap {  // pixels that an organ's masks share, and the sum of both masks', over slices
    double both = 0, sum = 0;
  };
  struct Masks {
    at::Tensor logits, ious;  // (prompts, 1, L, L), (prompts, 1)
  };
  using Examples = std::span<const SamExample* const>;

  bool is_trained(const std::string& name) const;
  SamDrawing drawing() const;
  torch::WeightMap network_weights() const;
  at::Tensor prompt_tokens(Examples examples) const;
  Masks forward(Examples examples, const torch::Check& check) const;
  at::Tensor targets(Examples examples) const;
  void measure(const AnnotatedScan& scan, std::int64_t slice, std::span<Overlap> overlaps,
               const torch::Check& check) const;

  SamOptions options_;
  std::vector<AnnotatedScan> scans_, validation_scans_;
  std::unique_ptr<const SamWeights> layout_;  // names, shapes and what is not trained
  Graph encoder_, decoder_;
};

}  // namespace medlsam::training
