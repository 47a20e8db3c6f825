#include "torch/training/sam_task.hpp"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "networks/sam.hpp"
#include "networks/sam_prompts.hpp"
#include "torch/training/folded_weights.hpp"
#include "torch/training/sam_losses.hpp"

namespace medlsam::training {
namespace {

using at::Tensor;

constexpr double kWeightDecay = 0.01;
constexpr std::uint64_t kBatchStream = 4;
constexpr std::int64_t kWarmUp = 200;  // steps in which the learning rate rises
constexpr double kIouWeight = 0.1;     // of the predicted IoU's error among the losses

// The scans that show an organ.
std::vector<AnnotatedScan> open_annotated(const std::vector<std::string>& paths, const char* what) {
  std::vector<AnnotatedScan> scans = open_scans<AnnotatedScan>(paths);
  std::erase_if(scans, [](const AnnotatedScan& scan) { return scan.is_empty(); });
  if (!paths.empty() && scans.empty())
    throw Error(ErrorCode::kBadLabels,
                std::string("None of the ") + what + " shows an organ: their label maps hold nothing but 0.");
  return scans;
}

std::int64_t count_prompts(std::span<const SamExample* const> examples) {
  std::int64_t prompts = 0;
  for (const SamExample* example : examples) prompts += example->prompts();
  return prompts;
}

std::string sizes_text(const SamWeights& sam) {
  std::string text;
  for (const int size : {sam.image_size(), sam.patch(), sam.width(), sam.heads(), sam.channels()})
    text += std::to_string(size) + ' ';
  for (int block = 0; block < sam.depth(); ++block) text += std::to_string(sam.window(block)) + ' ';
  return text;
}

}  // namespace

// Computes one step. The losses are sums over prompts, and every process has all examples' boxes: a part's
// share of the whole batch's means is known without asking the others.
class SamTask::Step : public TrainingStep {
 public:
  Step(const SamTask& task, SamBatch batch) : task_(task), batch_(std::move(batch)) {
    for (const SamExample& example : batch_) prompts_ += example.prompts();
  }

  std::vector<double> accumulate(const Group& group, const torch::Check& check) override {
    std::vector<const SamExample*> examples;
    for (const std::int64_t example : group.examples) examples.push_back(&batch_[example]);
    const Masks found = task_.forward(examples, check);
    const MaskLosses sums = mask_losses(found.logits, found.ious, task_.targets(examples));
    const auto share = 1 / static_cast<double>(prompts_);
    check();
    ((sums.dice + sums.cross_entropy + kIouWeight * sums.iou) * share).backward();
    return {sums.dice.item<double>() * share, sums.cross_entropy.item<double>() * share,
            sums.iou.item<double>() * share};
  }

 private:
  const SamTask& task_;
  SamBatch batch_;
  std::int64_t prompts_ = 0;
};

SamTask::SamTask(SamOptions options)
    : TrainingTask(options),
      options_(std::move(options)),
      scans_(open_annotated(options_.scans, "scans to train on")),
      validation_scans_(open_annotated(options_.validation_scans, "validation scans")) {
  const bool is_new = options_.from.empty();
  const Checkpoint initial =
      is_new ? sam_initial_weights(options_.sizes, options_.seed) : open_checkpoint(options_.from);
  layout_ = std::make_unique<const SamWeights>(initial, is_new ? "the new network" : options_.from);
  encoder_ = sam_graph(*layout_, SamPart::kEncoder);
  decoder_ = sam_graph(*layout_, SamPart::kDecoder, kAnyExtent);
  adopt_weights(
      layout_->tensors(), [this](const std::string& name) { return is_trained(name); }, kWeightDecay,
      Decay::kDecoupled);
}

// Positions are encoded by random numbers that stay as they were drawn.
bool SamTask::is_trained(const std::string& name) const {
  if (name.starts_with("mask_decoder.")) return true;
  if (name.starts_with("image_encoder.")) return options_.encoder || options_.from.empty();
  return options_.from.empty() && name != "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix";
}

// Rises, then falls as a cosine to 0 at the end of the last epoch.
double SamTask::learning_rate(std::int64_t done) const {
  const auto all = static_cast<double>(options_.epoch_steps * options_.epochs);
  const auto step = static_cast<double>(done + 1);
  const double warm_up = std::min(static_cast<double>(kWarmUp), all / 10);
  if (step < warm_up) return options_.learning_rate * step / warm_up;
  const double fallen = std::min((step - warm_up) / (all - warm_up + 1), 1.0);
  return options_.learning_rate * (1 + std::cos(std::numbers::pi * fallen)) / 2;
}

SamDrawing SamTask::drawing() const {
  return {layout_->image_size(), 4 * std::int64_t{layout_->grid()}, options_.batch, options_.prompts,
          options_.jitter};
}

std::unique_ptr<TrainingStep> SamTask::draw(std::int64_t step, const Owned& owned) const {
  const Random random({options_.seed, kBatchStream, static_cast<std::uint64_t>(step)});
  return std::make_unique<Step>(*this, draw_sam_batch(scans_, drawing(), random, owned));
}

// Weights that the network computes with: the trained tensors folded, in its precision.
torch::WeightMap SamTask::network_weights() const {
  torch::WeightMap folded = weights();
  fold_sam_weights(folded);
  folded["folded.positions"] =
      torch::borrow_weight(layout_->at("folded.positions")).to(arithmetic().device());
  for (auto& [name, tensor] : folded) tensor = tensor.to(options_.precision);
  return folded;
}

// As medlsam::prompt_tokens, but differentiable: (prompts, 3 + mask tokens, channels).
Tensor SamTask::prompt_tokens(Examples examples) const {
  const std::int64_t prompts = count_prompts(examples), channels = layout_->channels();
  const Tensor places = at::empty({prompts, 2, channels}, at::kFloat);
  auto* place = places.mutable_data_ptr<float>();
  for (const SamExample* example : examples) {
    for (std::size_t corner = 0; corner < example->boxes.size(); corner += 2, place += channels) {
      // The middle of the pixel.
      encode_position(*layout_, example->boxes[corner] + 0.5f, example->boxes[corner + 1] + 0.5f, place);
    }
  }
  const auto weight = [this](const char* name) { return weights().at(name); };
  const Tensor corners = at::cat({weight("prompt_encoder.point_embeddings.2.weight"),
                                  weight("prompt_encoder.point_embeddings.3.weight")});
  const Tensor own =
      at::cat({weight("mask_decoder.iou_token.weight"), weight("mask_decoder.mask_tokens.weight")});
  return at::cat({own.unsqueeze(0).expand({prompts, -1, -1}), places.to(arithmetic()) + corners}, 1);
}

// The masks of all prompts of the examples, one example after another.
SamTask::Masks SamTask::forward(Examples examples, const torch::Check& check) const {
  const torch::WeightMap folded = network_weights();
  const torch::Execution execution = {check, nullptr};
  const std::int64_t edge = layout_->image_size();
  std::vector<Tensor> slices;
  for (const SamExample* example : examples)
    slices.push_back(
        at::from_blob(const_cast<float*>(example->pixels.data()), {1, 1, edge, edge}, at::kFloat));
  Tensor embedding;
  {
    const bool differentiate = at::GradMode::is_enabled() && is_trained("image_encoder.");
    const c10::AutoGradMode mode(differentiate);
    const Tensor pixels = at::cat(slices).to(arithmetic().dtype(options_.precision));
    embedding = torch::execute(encoder_, folded, std::span(&pixels, 1), execution)[0];
  }
  if (examples.size() > 1) {
    std::vector<Tensor> of_prompts;
    for (std::size_t i = 0; i < examples.size(); ++i) {
      const auto at = static_cast<std::int64_t>(i);
      of_prompts.push_back(embedding.slice(0, at, at + 1).expand({examples[i]->prompts(), -1, -1, -1}));
    }
    embedding = at::cat(of_prompts);
  }
  const Tensor dense = folded.at("prompt_encoder.no_mask_embed.weight").reshape({1, -1, 1, 1});
  const Tensor inputs[] = {embedding, prompt_tokens(examples).to(options_.precision), dense};
  const auto found = torch::execute(decoder_, folded, inputs, execution);
  return {found[0].to(at::kFloat), found[1].to(at::kFloat)};
}

Tensor SamTask::targets(Examples examples) const {
  const std::int64_t edge = drawing().logits;
  std::vector<Tensor> parts;
  for (const SamExample* example : examples) {
    auto* values = const_cast<float*>(example->targets.data());
    parts.push_back(at::from_blob(values, {example->prompts(), 1, edge, edge}, at::kFloat));
  }
  return at::cat(parts).to(arithmetic());
}

// Adds what the organs of one slice share with their masks to their overlaps.
void SamTask::measure(const AnnotatedScan& scan, std::int64_t slice, std::span<Overlap> overlaps,
                      const torch::Check& check) const {
  const SamExample example = clean_example(scan, slice, drawing());
  if (example.prompts() == 0) return;
  const SamExample* const one[] = {&example};
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

Validation SamTask::validate(std::int64_t slices, const torch::Check& check) const {
  double sum = 0;
  std::int64_t count = 0;
  std::map<std::int32_t, std::vector<double>> of_labels;
  for (const AnnotatedScan& scan : validation_scans_) {
    std::vector<Overlap> overlaps(static_cast<std::size_t>(scan.organs()));
    const std::int64_t some = std::min(slices, scan.slices());
    for (std::int64_t i = 0; i < some; ++i)
      measure(scan, (2 * i + 1) * scan.slices() / (2 * some), overlaps, check);
    for (std::int64_t organ = 0; organ < scan.organs(); ++organ) {
      const Overlap& overlap = overlaps[organ];
      if (overlap.sum == 0) continue;
      const double dice = 2 * overlap.both / overlap.sum;
      sum += dice;
      ++count;
      of_labels[scan.label(organ)].push_back(dice);
    }
  }
  Validation result;
  result.figure = count == 0 ? 0 : sum / static_cast<double>(count);
  for (const auto& [label, dices] : of_labels) {
    double total = 0;
    for (const double dice : dices) total += dice;
    result.labels[label] = total / static_cast<double>(dices.size());
  }
  return result;
}

Metadata SamTask::settings() const {
  return {{"sizes", sizes_text(*layout_)},
          {"checkpoint", options_.from.empty() ? "none" : options_.from},
          {"trained part", options_.from.empty() ? "all"
                           : options_.encoder    ? "encoder, decoder"
                                                 : "decoder"},
          {"number of prompts", std::to_string(options_.prompts)},
          {"jitter", std::to_string(options_.jitter)},
          {"number of epochs", std::to_string(options_.epochs)}};
}

void SamTask::write_model(const std::string& path, const Metadata& metadata) const {
  CheckpointWriter writer;
  writer.add("", weights());
  // Targets are of the pixels' middles.
  Metadata with_sampling = metadata;
  with_sampling[kMaskSampling] = kCenters;
  writer.write(path, with_sampling);
}

}  // namespace medlsam::training
