#include "torch/training/sam_trainer.hpp"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>
#include <utility>

#include "networks/sam.hpp"
#include "networks/sam_prompts.hpp"
#include "torch/aten/arithmetic.hpp"
#include "torch/training/folded_weights.hpp"
#include "torch/training/sam_losses.hpp"

namespace medlsam::training {
namespace {

using at::Tensor;

constexpr std::uint64_t kBatchStream = 4;
constexpr std::int64_t kWarmUp = 200;  // steps in which the learning rate rises
constexpr double kIouWeight = 0.1;     // of the predicted IoU's error among the losses

// Those that show something.
std::vector<AnnotatedScan> open_scans(const std::vector<std::string>& paths) {
  std::vector<AnnotatedScan> scans;
  for (const std::string& path : paths) scans.emplace_back(path);
  std::erase_if(scans, [](const AnnotatedScan& scan) { return scan.is_empty(); });
  return scans;
}

void require_organs(const std::vector<AnnotatedScan>& scans, const std::vector<std::string>& paths,
                    const char* what) {
  if (!paths.empty() && scans.empty())
    throw Error(ErrorCode::kBadLabels,
                std::string("None of the ") + what + " shows an organ: their label maps hold nothing but 0.");
}

std::int64_t count_prompts(std::span<const SamExample> examples) {
  std::int64_t prompts = 0;
  for (const SamExample& example : examples) prompts += example.prompts();
  return prompts;
}

// Soft overlap of what one organ's masks share, over slices.
struct Overlap {
  double both = 0, sum = 0;
};

}  // namespace

SamTrainer::SamTrainer(SamTrainerOptions options)
    : options_(std::move(options)),
      arithmetic_(torch::tensor_options(options_.device, at::kFloat)),
      scans_(open_scans(options_.scans)),
      validation_scans_(open_scans(options_.validation_scans)) {
  if (options_.scans.empty()) throw Error(ErrorCode::kBadArgument, "There is no scan to train on.");
  require_organs(scans_, options_.scans, "scans to train on");
  require_organs(validation_scans_, options_.validation_scans, "validation scans");
  const bool is_new = options_.from.empty();
  const Checkpoint initial =
      is_new ? sam_initial_weights(options_.sizes, options_.seed) : open_checkpoint(options_.from);
  layout_ = std::make_unique<const SamWeights>(initial, is_new ? "the new network" : options_.from);
  encoder_ = sam_graph(*layout_, SamPart::kEncoder);
  decoder_ = sam_graph(*layout_, SamPart::kDecoder, kAnyExtent);
  torch::WeightMap trained;
  for (const auto& [name, view] : layout_->tensors()) {
    const auto* data = reinterpret_cast<const float*>(view.bytes.data());
    const Tensor value = at::from_blob(const_cast<float*>(data), view.shape, at::kFloat);
    weights_[name] = value.to(arithmetic_, false, true);
    if (is_trained(name)) trained[name] = weights_[name].set_requires_grad(true);
  }
  optimizer_ = std::make_unique<Optimizer>(trained, options_.weight_decay, Decay::kDecoupled);
}

// Positions are encoded by random numbers that stay as they were drawn.
bool SamTrainer::is_trained(const std::string& name) const {
  if (name.starts_with("mask_decoder.")) return true;
  if (name.starts_with("image_encoder.")) return options_.encoder || options_.from.empty();
  return options_.from.empty() && name != "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix";
}

// Rises, then falls as a cosine to 0 at the end of the last epoch.
double SamTrainer::learning_rate() const {
  const auto all = static_cast<double>(options_.epoch_steps * options_.epochs);
  const auto step = static_cast<double>(steps_ + 1);
  const double warm_up = std::min(static_cast<double>(kWarmUp), all / 10);
  if (step < warm_up) return options_.learning_rate * step / warm_up;
  const double done = std::min((step - warm_up) / (all - warm_up + 1), 1.0);
  return options_.learning_rate * (1 + std::cos(std::numbers::pi * done)) / 2;
}

SamDrawing SamTrainer::drawing() const {
  return {layout_->image_size(), 4 * std::int64_t{layout_->grid()}, options_.batch, options_.prompts,
          options_.jitter};
}

void SamTrainer::start_loader() {
  const auto make = [this](std::int64_t step) {
    return draw_sam_batch(scans_, drawing(),
                          Random({options_.seed, kBatchStream, static_cast<std::uint64_t>(step)}));
  };
  loader_ = std::make_unique<Loader<SamBatch>>(make, steps_, options_.loaders);
}

torch::WeightMap SamTrainer::network_weights() const {
  torch::WeightMap weights = weights_;
  fold_sam_weights(weights);
  weights["folded.positions"] =
      torch::borrow_weight(layout_->at("folded.positions")).to(arithmetic_.device());
  for (auto& [name, tensor] : weights) tensor = tensor.to(options_.precision);
  return weights;
}

// A GPU computes one slice little faster than many; on a CPU many would only take memory.
std::int64_t SamTrainer::micro_batch() const {
  if (options_.micro_batch > 0) return options_.micro_batch;
  return arithmetic_.device().is_cpu() ? 1 : options_.batch;
}

// As medlsam::prompt_tokens, but differentiable: (prompts, 3 + mask tokens, channels).
Tensor SamTrainer::prompt_tokens(std::span<const SamExample> examples) const {
  const std::int64_t prompts = count_prompts(examples), channels = layout_->channels();
  const Tensor places = at::empty({prompts, 2, channels}, at::kFloat);
  auto* place = places.mutable_data_ptr<float>();
  for (const SamExample& example : examples) {
    for (std::size_t corner = 0; corner < example.boxes.size(); corner += 2, place += channels) {
      // The middle of the pixel.
      encode_position(*layout_, example.boxes[corner] + 0.5f, example.boxes[corner + 1] + 0.5f, place);
    }
  }
  const auto weight = [this](const char* name) { return weights_.at(name); };
  const Tensor corners = at::cat({weight("prompt_encoder.point_embeddings.2.weight"),
                                  weight("prompt_encoder.point_embeddings.3.weight")});
  const Tensor own =
      at::cat({weight("mask_decoder.iou_token.weight"), weight("mask_decoder.mask_tokens.weight")});
  return at::cat({own.unsqueeze(0).expand({prompts, -1, -1}), places.to(arithmetic_) + corners}, 1);
}

// Of all prompts of the examples, one example after another.
SamTrainer::Masks SamTrainer::forward(std::span<const SamExample> examples, const torch::Check& check) const {
  const torch::WeightMap weights = network_weights();
  const torch::Execution execution = {check, nullptr};
  const std::int64_t edge = layout_->image_size();
  std::vector<Tensor> slices;
  for (const SamExample& example : examples)
    slices.push_back(
        at::from_blob(const_cast<float*>(example.pixels.data()), {1, 1, edge, edge}, at::kFloat));
  Tensor embedding;
  {
    const bool differentiate = at::GradMode::is_enabled() && is_trained("image_encoder.");
    const c10::AutoGradMode mode(differentiate);
    const Tensor pixels = at::cat(slices).to(arithmetic_.dtype(options_.precision));
    embedding = torch::execute(encoder_, weights, std::span(&pixels, 1), execution)[0];
  }
  if (examples.size() > 1) {
    std::vector<Tensor> of_prompts;
    for (std::size_t i = 0; i < examples.size(); ++i) {
      const auto at = static_cast<std::int64_t>(i);
      of_prompts.push_back(embedding.slice(0, at, at + 1).expand({examples[i].prompts(), -1, -1, -1}));
    }
    embedding = at::cat(of_prompts);
  }
  const Tensor dense = weights.at("prompt_encoder.no_mask_embed.weight").reshape({1, -1, 1, 1});
  const Tensor inputs[] = {embedding, prompt_tokens(examples).to(options_.precision), dense};
  const auto found = torch::execute(decoder_, weights, inputs, execution);
  return {found[0].to(at::kFloat), found[1].to(at::kFloat)};
}

Tensor SamTrainer::targets(std::span<const SamExample> examples) const {
  const std::int64_t edge = drawing().logits;
  std::vector<Tensor> parts;
  for (const SamExample& example : examples) {
    auto* values = const_cast<float*>(example.targets.data());
    parts.push_back(at::from_blob(values, {example.prompts(), 1, edge, edge}, at::kFloat));
  }
  return at::cat(parts).to(arithmetic_);
}

// What some slices add to the losses and the gradient of a step of `prompts` prompts.
SamStepResult SamTrainer::accumulate(std::span<const SamExample> examples, std::int64_t prompts,
                                     const torch::Check& check) {
  const Masks found = forward(examples, check);
  const MaskLosses sums = mask_losses(found.logits, found.ious, targets(examples));
  const auto share = 1 / static_cast<double>(prompts);
  check();
  ((sums.dice + sums.cross_entropy + kIouWeight * sums.iou) * share).backward();
  SamStepResult result;
  result.dice = sums.dice.item<double>() * share;
  result.cross_entropy = sums.cross_entropy.item<double>() * share;
  result.iou = sums.iou.item<double>() * share;
  return result;
}

SamStepResult SamTrainer::step(const torch::Check& check) {
  // As in MedLAM's training: numbers too small for the processor's fast path occur.
  at::globalContext().setFlushDenormal(true);
  torch::allow_tf32(true);
  if (!loader_) start_loader();
  check();
  const auto started = std::chrono::steady_clock::now();
  const SamBatch batch = loader_->next();
  SamStepResult result;
  result.wait_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  result.learning_rate = learning_rate();
  try {
    const std::span<const SamExample> all(batch);
    const std::int64_t prompts = count_prompts(all);
    optimizer_->clear_gradients();
    const auto size = static_cast<std::size_t>(micro_batch());
    for (std::size_t begin = 0; begin < all.size(); begin += size) {
      const SamStepResult part =
          accumulate(all.subspan(begin, std::min(size, all.size() - begin)), prompts, check);
      result.dice += part.dice;
      result.cross_entropy += part.cross_entropy;
      result.iou += part.iou;
    }
    result.gradient = optimizer_->clip_gradient();
    if (!std::isfinite(result.dice + result.cross_entropy + result.iou) || !std::isfinite(result.gradient)) {
      throw Error(ErrorCode::kBadArgument,
                  "Training diverged at step " + std::to_string(steps_) + ": Dice loss " +
                      std::to_string(result.dice) + ", cross-entropy " +
                      std::to_string(result.cross_entropy) + ", gradient " + std::to_string(result.gradient) +
                      ". Use a smaller learning rate, or float32 where it was bfloat16.");
    }
  } catch (...) {
    // The batch was taken; the next attempt at this step draws it anew.
    loader_.reset();
    throw;
  }
  optimizer_->update(result.learning_rate);
  ++steps_;
  return result;
}

double SamTrainer::validate(std::int64_t slices, const torch::Check& check) {
  if (validation_scans_.empty()) throw Error(ErrorCode::kBadArgument, "There is no scan to validate on.");
  torch::allow_tf32(true);
  const c10::NoGradGuard no_gradient;
  double sum = 0;
  std::int64_t count = 0;
  for (const AnnotatedScan& scan : validation_scans_) {
    std::vector<Overlap> overlaps(static_cast<std::size_t>(scan.organs()));
    const std::int64_t some = std::min(slices, scan.slices());
    for (std::int64_t i = 0; i < some; ++i) {
      const std::int64_t slice = (2 * i + 1) * scan.slices() / (2 * some);
      const SamExample example = clean_example(scan, slice, drawing());
      if (example.prompts() == 0) continue;
      const std::span<const SamExample> one(&example, 1);
      const Tensor found = forward(one, check).logits.flatten(1) > 0;
      const Tensor wanted = targets(one).flatten(1) > 0.5;
      const Tensor both = (found & wanted).sum(1).to(at::kCPU, at::kDouble);
      const Tensor total = (found.sum(1) + wanted.sum(1)).to(at::kCPU, at::kDouble);
      std::int64_t prompt = 0;
      for (std::int64_t organ = 0; organ < scan.organs(); ++organ) {
        if (!scan.extent(slice, organ)) continue;
        overlaps[organ].both += both[prompt].item<double>();
        overlaps[organ].sum += total[prompt].item<double>();
        ++prompt;
      }
    }
    for (const Overlap& overlap : overlaps) {
      if (overlap.sum == 0) continue;
      sum += 2 * overlap.both / overlap.sum;
      ++count;
    }
  }
  return count == 0 ? 0 : sum / static_cast<double>(count);
}

}  // namespace medlsam::training
