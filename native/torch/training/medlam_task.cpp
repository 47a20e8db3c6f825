#include "torch/training/medlam_task.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "networks/medlam.hpp"
#include "torch/training/medlam_initial_weights.hpp"
#include "torch/training/medlam_losses.hpp"

namespace medlsam::training {
namespace {

using at::Tensor;

constexpr double kWeightDecay = 1e-4;
constexpr double kDropped = 0.2;  // share of level 4 that dropout hides

// Independent streams of random numbers under one seed.
enum class Stream : std::uint64_t { kBatch = 1, kDropout = 2, kValidation = 3 };

Random stream(std::uint64_t seed, Stream name, std::int64_t step, std::uint64_t part = 0) {
  return Random({seed, static_cast<std::uint64_t>(name), static_cast<std::uint64_t>(step), part});
}

void require_patch(std::int64_t edge) {
  if (edge % 16 == 0 && edge >= 32) return;
  throw Error(ErrorCode::kBadArgument, "Patches of " + std::to_string(edge) +
                                           " voxels: give a multiple of 16 from 32 on. (With 16, level 4 "
                                           "is one voxel, which its own normalization makes 0.)");
}

}  // namespace

// Computes one step: two patches of every scan, clean and, unless UAM is trained alone, augmented.
class MedLamTask::Step : public TrainingStep {
 public:
  Step(const MedLamTask& task, std::int64_t step, bool uam_alone, Batch batch)
      : task_(task), step_(step), uam_alone_(uam_alone), batch_(std::move(batch)) {}

  // The counts of the whole batch make the parts add up to its loss.
  void begin(const std::vector<std::int64_t>& own, Peers& peers) override {
    if (uam_alone_) return;
    const std::int64_t p = task_.options_.patch;
    for (std::size_t s = 0; s < 2; ++s) {
      const Side& side = batch_.sides[s];
      targets_[s] = mss_targets(task_.rows(side.positions, own, {3, p, p, p}),
                                task_.rows(side.point_positions, own, {kPoints, 3}));
      counts_[s].add(targets_[s]);
      for (auto* counts : {&counts_[s].positive, &counts_[s].negative}) {
        Tensor shared = at::from_blob(counts->data(), {kLossScales}, at::kDouble);
        peers.sum(shared);
      }
    }
  }

  std::vector<double> accumulate(const Group& group, const torch::Check& check) override {
    return uam_alone_ ? accumulate_uam(group, check) : accumulate_both(group, check);
  }

 private:
  Tensor uam_loss(const Tensor& first, const Tensor& second, const Group& group) const {
    return uam_error(first, second, task_.rows(batch_.offsets, group.examples, {3})) /
           static_cast<double>(3 * task_.options_.batch);
  }

  Tensor mss_loss_of(std::size_t side, const std::array<Tensor, kLossScales>& augmented,
                     const std::array<Tensor, kLossScales>& clean, const Group& group) const {
    const auto n = static_cast<std::int64_t>(group.examples.size());
    auto* points = const_cast<std::int64_t*>(batch_.sides[side].points.data());
    return mss_loss(augmented, clean,
                    at::from_blob(points, {kPoints, 3}, at::kLong).to(task_.arithmetic().device()),
                    targets_[side].of(group.begin, group.begin + n), counts_[side]);
  }

  std::vector<double> accumulate_both(const Group& group, const torch::Check& check) const {
    const auto n = static_cast<std::int64_t>(group.examples.size());
    std::vector<Tensor> all;
    for (const Side& side : batch_.sides) {
      for (const auto* values : {&side.augmented, &side.clean})
        all.push_back(task_.patches(*values, group.examples));
    }
    const auto outputs = task_.forward(task_.network_, at::cat(all), Dropout{step_, group.examples}, check);
    // The patches of one round: 0 and 2 are augmented, 1 and 3 clean.
    std::vector<std::vector<Tensor>> rounds;
    for (const Tensor& output : outputs) rounds.push_back(output.split(n));
    const Tensor uam = uam_loss(rounds[0][1], rounds[0][3], group);
    Tensor mss = at::zeros({}, task_.arithmetic());
    for (std::size_t s = 0; s < 2; ++s) {
      std::array<Tensor, kLossScales> augmented, clean;
      for (std::size_t i = 0; i < kLossScales; ++i) {
        augmented[i] = rounds[i + 1][2 * s];
        clean[i] = rounds[i + 1][2 * s + 1];
      }
      mss = mss + mss_loss_of(s, augmented, clean, group);
    }
    check();
    (uam + mss).backward();
    return {uam.item<double>(), mss.item<double>()};
  }

  std::vector<double> accumulate_uam(const Group& group, const torch::Check& check) const {
    const auto n = static_cast<std::int64_t>(group.examples.size());
    std::vector<Tensor> all;
    for (const Side& side : batch_.sides) all.push_back(task_.patches(side.clean, group.examples));
    const Tensor found =
        task_.forward(task_.encoder_, at::cat(all), Dropout{step_, group.examples}, check)[0];
    const Tensor uam = uam_loss(found.slice(0, 0, n), found.slice(0, n, 2 * n), group);
    check();
    uam.backward();
    return {uam.item<double>(), 0};
  }

  const MedLamTask& task_;
  std::int64_t step_;
  bool uam_alone_;
  Batch batch_;
  // For each of the two patches: targets of this process's scans, counts of the whole batch.
  std::array<MssTargets, 2> targets_;
  std::array<MssCounts, 2> counts_;
};

MedLamTask::MedLamTask(MedLamOptions options)
    : TrainingTask(options),
      options_(std::move(options)),
      foreground_(foreground_from_hu(options_.foreground)),
      scans_(open_scans<Scan>(options_.scans)),
      validation_scans_(open_scans<Scan>(options_.validation_scans)) {
  const Checkpoint initial = open_weights();
  encoder_ = medlam_graph(*layout_, -1);
  network_ = medlam_graph(*layout_, kLossScales - 1);
  adopt_weights(
      layout_->tensors(), [](const std::string&) { return true; }, kWeightDecay, Decay::kInGradient);
  optimizer().adopt(initial.adam);
}

// Sets the layout, and width and patch to the checkpoint's where they are not given; a network of a smaller
// width is widened.
Checkpoint MedLamTask::open_weights() {
  const bool is_new = options_.from.empty();
  if (is_new) require_patch(options_.patch);
  const std::string from = is_new ? "the new network" : options_.from;
  Checkpoint checkpoint = is_new ? initial_weights(options_.width, options_.patch, options_.seed)
                                 : open_checkpoint(options_.from);
  strip_prefix(checkpoint, kMedLamKnownTensor);  // from Adam's averages, too
  layout_ = std::make_unique<const MedLamWeights>(checkpoint, from);
  const auto refuse = [&](std::int64_t wanted, std::int64_t found, const std::string& what,
                          const std::string& instead) {
    throw Error(ErrorCode::kBadArgument, options_.from + " has " + what + ' ' + std::to_string(found) +
                                             ", asked for was " + std::to_string(wanted) + ". " + instead);
  };
  const std::int64_t width = layout_->width(), patch = layout_->patch();
  if (options_.patch != 0 && options_.patch != patch)
    refuse(options_.patch, patch, "patches of edge", "Leave it out: the checkpoint's is taken.");
  if (options_.width == 0) options_.width = width;
  options_.patch = patch;
  require_patch(options_.patch);
  if (options_.width % width != 0) {
    refuse(options_.width, width, "base width",
           "Leave it out to take the checkpoint's, or give a multiple to widen the network.");
  }
  if (options_.width == width) return checkpoint;
  // Adam's averages are of other weights.
  checkpoint = widened_weights(*layout_, options_.width / width, options_.seed);
  layout_ = std::make_unique<const MedLamWeights>(checkpoint, from + ", widened");
  return checkpoint;
}

// × 0.8 every 10 epochs.
double MedLamTask::learning_rate(std::int64_t step) const {
  const std::int64_t epoch = step / options_.epoch_steps;
  return options_.learning_rate * std::pow(0.8, static_cast<double>(epoch / 10));
}

std::unique_ptr<TrainingStep> MedLamTask::draw(std::int64_t step, const Owned& owned) const {
  const Random random = stream(options_.seed, Stream::kBatch, step);
  const bool uam_alone = step < options_.uam_steps;
  Batch batch = uam_alone ? draw_clean_batch(scans_, options_.batch, options_.patch, random, foreground_)
                          : draw_batch(scans_, options_.batch, options_.patch, random, foreground_, owned);
  return std::make_unique<Step>(*this, step, uam_alone, std::move(batch));
}

// The rows of `values`, (examples, shape…), that are these examples'. One example on the CPU is a view of the
// values, which have to live as long.
Tensor MedLamTask::rows(const std::vector<float>& values, const std::vector<std::int64_t>& examples,
                        std::vector<std::int64_t> shape) const {
  shape.insert(shape.begin(), 1);
  const std::int64_t row = c10::multiply_integers(shape);
  std::vector<Tensor> parts;
  for (const std::int64_t example : examples)
    parts.push_back(at::from_blob(const_cast<float*>(values.data()) + example * row, shape, at::kFloat));
  return (parts.size() == 1 ? parts[0] : at::cat(parts)).to(arithmetic());
}

Tensor MedLamTask::patches(const std::vector<float>& values,
                           const std::vector<std::int64_t>& examples) const {
  const std::int64_t p = options_.patch;
  return rows(values, examples, {1, p, p, p});
}

// The features are rounds of those of the examples.
Tensor MedLamTask::drop(const Tensor& features, const Dropout& dropout) const {
  std::vector<std::int64_t> shape = features.sizes().vec();
  shape[0] /= static_cast<std::int64_t>(dropout.examples.size());
  const auto scale = static_cast<float>(1 / (1 - kDropped));
  std::vector<Tensor> masks;
  for (const std::int64_t example : dropout.examples) {
    Random random =
        stream(options_.seed, Stream::kDropout, dropout.step, static_cast<std::uint64_t>(example));
    const Tensor mask = masks.emplace_back(at::empty(shape, at::kFloat));
    const std::span kept(mask.mutable_data_ptr<float>(), static_cast<std::size_t>(mask.numel()));
    for (float& value : kept) value = random.chance(kDropped) ? 0 : scale;
  }
  return features * at::stack(masks, 1).flatten(0, 1).to(features.options());
}

// The graph's outputs, in float32; nothing is dropped without `dropout`.
std::vector<Tensor> MedLamTask::forward(const Graph& graph, const Tensor& patches,
                                        const std::optional<Dropout>& dropout,
                                        const torch::Check& check) const {
  torch::WeightMap converted;
  for (const auto& [name, tensor] : weights()) converted[name] = tensor.to(options_.precision);
  torch::Execution execution = {check, nullptr, true};
  if (dropout) execution.dropout = [&](const Tensor& features) { return drop(features, *dropout); };
  const Tensor input = patches.to(options_.precision);
  auto outputs = torch::execute(graph, converted, std::span(&input, 1), execution);
  for (Tensor& output : outputs) output = output.to(at::kFloat);
  return outputs;
}

Validation MedLamTask::validate(std::int64_t pairs, const torch::Check& check) const {
  double squares = 0;
  for (std::int64_t i = 0; i < pairs; ++i) {
    const Batch batch = draw_clean_batch(validation_scans_, 1, options_.patch,
                                         stream(options_.seed, Stream::kValidation, i), foreground_);
    const Tensor pair = at::cat({patches(batch.sides[0].clean, {0}), patches(batch.sides[1].clean, {0})});
    const Tensor found = forward(encoder_, pair, {}, check)[0];
    squares +=
        uam_error(found.slice(0, 0, 1), found.slice(0, 1, 2), rows(batch.offsets, {0}, {3})).item<double>();
  }
  return {std::sqrt(squares / static_cast<double>(pairs)), {}};
}

Metadata MedLamTask::settings() const {
  return {{"width", std::to_string(options_.width)},
          {"patch", std::to_string(options_.patch)},
          {"UAM steps", std::to_string(options_.uam_steps)},
          {"foreground", std::to_string(foreground_.center)}};
}

void MedLamTask::write_model(const std::string& path, const Metadata& metadata) const {
  // The published code loads its .pth into a network within DataParallel.
  const std::string prefix = path.ends_with(".pth") ? "module." : "";
  CheckpointWriter writer;
  writer.add(prefix, weights());
  // Never trained and never used, but the published code insists on having it.
  const std::string unused = prefix + "classification.0.";
  writer.add(unused + "weight", at::zeros({3, 4 * options_.width, 1, 1, 1}));
  writer.add(unused + "bias", at::zeros({3}));
  // In the order of the published network's modules, by which its optimizer numbers them.
  std::vector<std::string> names;
  for (const NamedShape& tensor : medlam_tensors(options_.width, options_.patch)) {
    if (tensor.name == "fc1.weight") names.insert(names.end(), {unused + "weight", unused + "bias"});
    names.push_back(prefix + tensor.name);
  }
  writer.sort(names);
  writer.write(path, metadata);
}

}  // namespace medlsam::training
