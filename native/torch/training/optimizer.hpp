// Adam (Kingma and Ba, 2014), with outliers among the gradients shortened.
#pragma once

#include <ATen/ATen.h>

#include <map>
#include <string>
#include <vector>

#include "torch/training/checkpoint_file.hpp"

namespace medlsam::training {

// The way weights decay: through the gradient, or apart from it (AdamW; Loshchilov and Hutter, 2019).
enum class Decay { kInGradient, kDecoupled };

class Optimizer {
 public:
  // Optimizes float32 leaves, whose gradients and values it changes.
  Optimizer(torch::WeightMap weights, double weight_decay, Decay decay);

  void clear_gradients();
  // Shortens the gradient if it is many times longer than usual; returns its norm before. Adam does not care
  // how long gradients are, but one outlier would stay in its averages for many steps.
  double clip_gradient();
  // Weights without a gradient stay.
  void update(double learning_rate);

  // Continues from another program's Adam state; weights that are not in it start anew.
  void adopt(const std::map<std::string, AdamState>& states);
  void save(CheckpointWriter& writer) const;
  void load(const CheckpointReader& reader);

 private:
  torch::WeightMap weights_, mean_, variance_;  // running averages of gradients and their squares
  torch::WeightMap steps_;                      // of each weight, float32 (): some begin later than others
  double weight_decay_;
  Decay decay_;
  at::Tensor usual_norm_;  // running average of gradient norms, float64
  double norm_ = 0;        // norm of the last gradient
};

}  // namespace medlsam::training
