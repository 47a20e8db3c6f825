#include "torch/training/optimizer.hpp"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace medlsam::training {
namespace {

using at::Tensor;

constexpr double kLongestGradient = 5, kUsualMemory = 0.99;
constexpr double kMeanMemory = 0.9, kVarianceMemory = 0.999, kEpsilon = 1e-8;
constexpr const char *kMean = "adam.mean.", *kVariance = "adam.variance.", *kSteps = "adam.steps.",
                     *kUsualNorm = "gradient.usual_norm";

}  // namespace

Optimizer::Optimizer(torch::WeightMap weights, double weight_decay, Decay decay)
    : weights_(std::move(weights)),
      weight_decay_(weight_decay),
      decay_(decay),
      usual_norm_(at::zeros({1}, at::kDouble)) {
  for (const auto& [name, tensor] : weights_) {
    mean_[name] = at::zeros_like(tensor);
    variance_[name] = at::zeros_like(tensor);
    steps_[name] = at::zeros({}, tensor.options().requires_grad(false));
  }
}

void Optimizer::clear_gradients() {
  for (auto& [name, tensor] : weights_) tensor.mutable_grad() = Tensor();
}

double Optimizer::clip_gradient() {
  std::vector<Tensor> gradients;
  for (const auto& [name, tensor] : weights_) {
    if (tensor.grad().defined()) gradients.push_back(tensor.grad());
  }
  norm_ = at::stack(at::_foreach_norm(gradients, 2, at::kDouble)).square().sum().sqrt().item<double>();
  const double usual = usual_norm_.item<double>();
  if (usual > 0 && norm_ > kLongestGradient * usual) {
    at::_foreach_mul_(gradients, kLongestGradient * usual / norm_);
  }
  return norm_;
}

void Optimizer::update(double learning_rate) {
  std::vector<Tensor> weights, gradients, mean, variance, counts;
  for (const auto& [name, tensor] : weights_) {
    if (!tensor.grad().defined()) continue;
    weights.push_back(tensor);
    gradients.push_back(tensor.grad());
    mean.push_back(mean_.at(name));
    variance.push_back(variance_.at(name));
    counts.push_back(steps_.at(name));
  }
  const c10::NoGradGuard no_gradient;
  at::_foreach_add_(counts, 1);
  if (decay_ == Decay::kDecoupled) {
    at::_fused_adamw_(weights, gradients, mean, variance, {}, counts, learning_rate, kMeanMemory,
                      kVarianceMemory, weight_decay_, kEpsilon, false, false);
  } else {
    at::_fused_adam_(weights, gradients, mean, variance, {}, counts, learning_rate, kMeanMemory,
                     kVarianceMemory, weight_decay_, kEpsilon, false, false);
  }
  const double usual = usual_norm_.item<double>();
  const double counted = usual > 0 ? std::min(norm_, kLongestGradient * usual) : norm_;
  usual_norm_.fill_(usual > 0 ? kUsualMemory * usual + (1 - kUsualMemory) * counted : counted);
}

void Optimizer::adopt(const std::map<std::string, AdamState>& states) {
  const auto copy = [](const TensorView& from, const Tensor& to) {
    const Tensor values = at::empty(to.sizes(), at::kFloat);
    to_float32(from, {values.mutable_data_ptr<float>(), static_cast<std::size_t>(values.numel())});
    to.copy_(values);
  };
  const c10::NoGradGuard no_gradient;
  for (const auto& [name, state] : states) {
    if (!weights_.contains(name)) continue;
    copy(state.mean, mean_.at(name));
    copy(state.variance, variance_.at(name));
    steps_.at(name).fill_(static_cast<double>(state.steps));
  }
}

void Optimizer::save(CheckpointWriter& writer) const {
  writer.add(kMean, mean_);
  writer.add(kVariance, variance_);
  writer.add(kSteps, steps_);
  writer.add(kUsualNorm, usual_norm_);
}

void Optimizer::load(const CheckpointReader& reader) {
  reader.read(kMean, mean_);
  reader.read(kVariance, variance_);
  reader.read(kSteps, steps_);
  reader.read(kUsualNorm, usual_norm_);
}

}  // namespace medlsam::training
