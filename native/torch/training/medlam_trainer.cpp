#include "torch/training/medlam_trainer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <span>
#include <utility>

#include "networks/medlam.hpp"
#include "torch/aten/arithmetic.hpp"
#include "torch/training/medlam_initial_weights.hpp"

namespace medlsam::training {
namespace {

using at::Tensor;

// Streams of random numbers beside each other under one seed.
enum class Stream : std::uint64_t { kBatch = 1, kDropout = 2, kValidation = 3 };

Random stream(std::uint64_t seed, Stream name, std::int64_t step, std::uint64_t part = 0) {
  return Random({seed, static_cast<std::uint64_t>(name), static_cast<std::uint64_t>(step), part});
}

std::vector<Scan> open_scans(const std::vector<std::string>& paths) {
  std::vector<Scan> scans;
  for (const std::string& path : paths) scans.emplace_back(path);
  return scans;
}

void require_patch(std::int64_t edge) {
  if (edge % 16 == 0 && edge >= 32) return;
  throw Error(ErrorCode::kBadArgument, "Patches of " + std::to_string(edge) +
                                           " voxels: give a multiple of 16 from 32 on. (With 16, level 4 "
                                           "is one voxel, which its own normalization makes 0.)");
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

struct Trainer::Micro {
  double uam = 0, mss = 0;
};

Trainer::Trainer(TrainerOptions options)
    : options_(std::move(options)),
      arithmetic_(torch::tensor_options(options_.device, at::kFloat)),
      scans_(open_scans(options_.scans)),
      validation_scans_(open_scans(options_.validation_scans)) {
  if (scans_.empty()) throw Error(ErrorCode::kBadArgument, "There is no scan to train on.");
  const Checkpoint initial = open_weights();
  encoder_ = medlam_graph(*layout_, -1);
  network_ = medlam_graph(*layout_, kLossScales - 1);
  for (const auto& [name, view] : layout_->tensors()) {
    const auto* data = reinterpret_cast<const float*>(view.bytes.data());
    const Tensor value = at::from_blob(const_cast<float*>(data), view.shape, at::kFloat);
    weights_[name] = value.to(arithmetic_, false, true).set_requires_grad(true);
  }
  optimizer_ = std::make_unique<Optimizer>(weights_, options_.weight_decay, Decay::kInGradient);
  optimizer_->adopt(initial.adam);
  if (options_.batch < options_.peers.count) {
    throw Error(ErrorCode::kBadArgument, "Batches of " + std::to_string(options_.batch) + " scans for " +
                                             std::to_string(options_.peers.count) +
                                             " processes: every process needs a scan.");
  }
  // Last: who finds fault with the options keeps nobody waiting.
  peers_ = std::make_unique<Peers>(options_.peers);
}

// Sets the layout, and width and patch to the checkpoint's where they are not given; one of a smaller width
// is widened.
Checkpoint Trainer::open_weights() {
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
double Trainer::learning_rate() const {
  const std::int64_t epoch = steps_ / options_.epoch_steps;
  return options_.learning_rate * std::pow(0.8, static_cast<double>(epoch / 10));
}

void Trainer::start_loader() {
  const auto make = [this](std::int64_t step) {
    const Random random = stream(options_.seed, Stream::kBatch, step);
    if (is_uam_alone(step))
      return draw_clean_batch(scans_, options_.batch, options_.patch, random, options_.foreground);
    return draw_batch(scans_, options_.batch, options_.patch, random, options_.foreground,
                      [this](std::int64_t scan) { return peers_->owns(scan); });
  };
  loader_ = std::make_unique<Loader<Batch>>(make, steps_, options_.loaders);
}

// What these scans of a batch have of `values`, (scans, shape…). Of one scan on the CPU it is a view of the
// values, which have to live as long.
Tensor Trainer::rows(const std::vector<float>& values, const std::vector<std::int64_t>& scans,
                     std::vector<std::int64_t> shape) const {
  shape.insert(shape.begin(), 1);
  const std::int64_t row = c10::multiply_integers(shape);
  std::vector<Tensor> parts;
  for (const std::int64_t scan : scans)
    parts.push_back(at::from_blob(const_cast<float*>(values.data()) + scan * row, shape, at::kFloat));
  return (parts.size() == 1 ? parts[0] : at::cat(parts)).to(arithmetic_);
}

Tensor Trainer::patches(const std::vector<float>& values, const std::vector<std::int64_t>& scans) const {
  const std::int64_t p = options_.patch;
  return rows(values, scans, {1, p, p, p});
}

// The graph's outputs, in float32. The patches are rounds of those of the scans `dropped`, in
// training; without them nothing is dropped.
std::vector<Tensor> Trainer::forward(const Graph& graph, const Tensor& patches,
                                     const std::vector<std::int64_t>& dropped, const torch::Check& check) {
  torch::WeightMap weights;
  for (const auto& [name, tensor] : weights_) weights[name] = tensor.to(options_.precision);
  torch::Execution execution = {check, nullptr};
  if (!dropped.empty() && options_.dropout > 0) {
    execution.dropout = [&](const Tensor& x) {
      std::vector<std::int64_t> shape = x.sizes().vec();
      shape[0] /= static_cast<std::int64_t>(dropped.size());
      const auto scale = static_cast<float>(1 / (1 - options_.dropout));
      std::vector<Tensor> masks;
      for (const std::int64_t scan : dropped) {
        Random random = stream(options_.seed, Stream::kDropout, steps_, static_cast<std::uint64_t>(scan));
        const Tensor mask = masks.emplace_back(at::empty(shape, at::kFloat));
        const std::span kept(mask.mutable_data_ptr<float>(), static_cast<std::size_t>(mask.numel()));
        for (float& value : kept) value = random.chance(options_.dropout) ? 0 : scale;
      }
      return x * at::stack(masks, 1).flatten(0, 1).to(x.options());
    };
  }
  const Tensor input = patches.to(options_.precision);
  auto outputs = torch::execute(graph, weights, std::span(&input, 1), execution);
  for (Tensor& output : outputs) output = output.to(at::kFloat);
  return outputs;
}

std::vector<std::int64_t> Trainer::own_scans() const {
  std::vector<std::int64_t> own;
  for (std::int64_t scan = 0; scan < options_.batch; ++scan) {
    if (peers_->owns(scan)) own.push_back(scan);
  }
  return own;
}

// A whole batch at once would hold all its activations, tens of gigabytes at width 24; its counts make the
// parts add up to the loss of the whole. A GPU computes little faster one at a time than many.
std::vector<Trainer::Group> Trainer::groups() const {
  const std::vector<std::int64_t> own = own_scans();
  const auto count = static_cast<std::int64_t>(own.size());
  const std::int64_t usual = arithmetic_.device().is_cpu() ? 1 : count;
  const std::int64_t size = options_.micro_batch > 0 ? options_.micro_batch : usual;
  std::vector<Group> groups;
  for (std::int64_t begin = 0; begin < count; begin += size)
    groups.push_back({{own.begin() + begin, own.begin() + std::min(begin + size, count)}, begin});
  return groups;
}

Trainer::Targets Trainer::targets(const Batch& batch) {
  const std::int64_t p = options_.patch;
  const std::vector<std::int64_t> own = own_scans();
  Targets all;
  for (std::size_t s = 0; s < 2; ++s) {
    const Side& side = batch.sides[s];
    all.of_side[s] =
        mss_targets(rows(side.positions, own, {3, p, p, p}), rows(side.point_positions, own, {kPoints, 3}));
    all.counts[s].add(all.of_side[s]);
    for (auto* counts : {&all.counts[s].positive, &all.counts[s].negative}) {
      Tensor shared = at::from_blob(counts->data(), {kLossScales}, at::kDouble);
      peers_->sum(shared);
    }
  }
  return all;
}

// A process that stopped in the middle of a step would leave the others waiting for its part.
void Trainer::check_together(const torch::Check& check) {
  if (peers_->alone()) return check();
  std::exception_ptr mine;
  try {
    check();
  } catch (...) {
    mine = std::current_exception();
  }
  Tensor stopping = at::full({1}, mine ? 1 : 0, at::kDouble);
  peers_->sum(stopping);
  if (mine) std::rethrow_exception(mine);
  if (stopping.item<double>() > 0)
    throw Error(ErrorCode::kAborted, "Another process of the run was stopped.");
}

// The gradient and the losses of the whole batch, from every process's part.
void Trainer::sum_with_peers(StepResult& result) {
  if (peers_->alone()) return;
  Tensor losses = at::tensor({result.uam, result.mss}, at::kDouble);
  peers_->sum(losses);
  result.uam = losses[0].item<double>();
  result.mss = losses[1].item<double>();
  std::vector<Tensor> gradients;
  for (const auto& [name, tensor] : weights_)
    if (tensor.grad().defined()) gradients.push_back(tensor.grad());
  std::vector<Tensor> flat;
  for (const Tensor& gradient : gradients) flat.push_back(gradient.flatten());
  Tensor all = at::cat(flat);
  peers_->sum(all);
  std::int64_t begin = 0;
  for (Tensor& gradient : gradients) {
    gradient.copy_(all.slice(0, begin, begin + gradient.numel()).view(gradient.sizes()));
    begin += gradient.numel();
  }
}

// Adds the gradient of some scans' part of the losses.
Trainer::Micro Trainer::accumulate(const Batch& batch, const Group& group, const Targets& targets,
                                   const torch::Check& check) {
  const auto n = static_cast<std::int64_t>(group.scans.size());
  std::vector<Tensor> all;
  for (const Side& side : batch.sides) {
    for (const auto* values : {&side.augmented, &side.clean}) all.push_back(patches(*values, group.scans));
  }
  const auto outputs = forward(network_, at::cat(all), group.scans, check);
  // The patches of one round: 0 and 2 are augmented, 1 and 3 clean.
  const auto round = [n](const Tensor& of, std::int64_t i) { return of.slice(0, i * n, (i + 1) * n); };
  const Tensor offsets = rows(batch.offsets, group.scans, {3});
  const Tensor uam = uam_error(round(outputs[0], 1), round(outputs[0], 3), offsets) /
                     static_cast<double>(3 * options_.batch);
  Tensor mss = at::zeros({}, arithmetic_);
  for (std::size_t s = 0; s < 2; ++s) {
    std::array<Tensor, kLossScales> augmented, clean;
    for (std::size_t i = 0; i < kLossScales; ++i) {
      augmented[i] = round(outputs[i + 1], static_cast<std::int64_t>(2 * s));
      clean[i] = round(outputs[i + 1], static_cast<std::int64_t>(2 * s + 1));
    }
    const Tensor points =
        at::from_blob(const_cast<std::int64_t*>(batch.sides[s].points.data()), {kPoints, 3}, at::kLong)
            .to(arithmetic_.device());
    mss = mss + mss_loss(augmented, clean, points, targets.of_side[s].of(group.begin, group.begin + n),
                         targets.counts[s]);
  }
  check();
  (uam + mss).backward();
  return {uam.item<double>(), mss.item<double>()};
}

Trainer::Micro Trainer::accumulate_uam(const Batch& batch, const Group& group, const torch::Check& check) {
  const auto n = static_cast<std::int64_t>(group.scans.size());
  std::vector<Tensor> all;
  for (const Side& side : batch.sides) all.push_back(patches(side.clean, group.scans));
  const Tensor found = forward(encoder_, at::cat(all), group.scans, check)[0];
  const Tensor offsets = rows(batch.offsets, group.scans, {3});
  const Tensor uam = uam_error(found.slice(0, 0, n), found.slice(0, n, 2 * n), offsets) /
                     static_cast<double>(3 * options_.batch);
  check();
  uam.backward();
  return {uam.item<double>(), 0};
}

StepResult Trainer::step(const torch::Check& check) {
  // Gradients get as small as numbers can be; the processor takes many times longer for those below. The
  // threads that this one starts for ATen inherit it.
  at::globalContext().setFlushDenormal(true);
  torch::allow_tf32(true);
  if (!loader_) start_loader();
  check_together(check);
  const torch::Check within = peers_->alone() ? check : torch::Check([] {});
  const auto started = std::chrono::steady_clock::now();
  const Batch batch = loader_->next();
  StepResult result;
  result.wait_seconds = seconds_since(started);
  result.learning_rate = learning_rate();
  try {
    const bool uam_alone = is_uam_alone(steps_);
    const Targets of_batch = uam_alone ? Targets() : targets(batch);
    optimizer_->clear_gradients();
    for (const Group& group : groups()) {
      const Micro micro =
          uam_alone ? accumulate_uam(batch, group, within) : accumulate(batch, group, of_batch, within);
      result.uam += micro.uam;
      result.mss += micro.mss;
    }
    sum_with_peers(result);
  } catch (...) {
    // The batch was taken; the next attempt at this step draws it anew.
    loader_.reset();
    throw;
  }
  result.gradient = optimizer_->clip_gradient();
  if (!std::isfinite(result.uam + result.mss) || !std::isfinite(result.gradient)) {
    loader_.reset();
    throw Error(ErrorCode::kBadArgument,
                "Training diverged at step " + std::to_string(steps_) + ": UAM " +
                    std::to_string(result.uam) + ", MSS " + std::to_string(result.mss) + ", gradient " +
                    std::to_string(result.gradient) +
                    ". Use a smaller learning rate, or float32 where it was bfloat16.");
  }
  optimizer_->update(learning_rate());
  ++steps_;
  return result;
}

double Trainer::validate(std::int64_t pairs, const torch::Check& check) {
  if (validation_scans_.empty()) throw Error(ErrorCode::kBadArgument, "There is no scan to validate on.");
  torch::allow_tf32(true);
  const c10::NoGradGuard no_gradient;
  const std::int64_t p = options_.patch;
  double squares = 0;
  for (std::int64_t i = 0; i < pairs; ++i) {
    const Batch batch = draw_clean_batch(validation_scans_, 1, p,
                                         stream(options_.seed, Stream::kValidation, i), options_.foreground);
    const Tensor pair = at::cat({patches(batch.sides[0].clean, {0}), patches(batch.sides[1].clean, {0})});
    const Tensor found = forward(encoder_, pair, {}, check)[0];
    squares +=
        uam_error(found.slice(0, 0, 1), found.slice(0, 1, 2), rows(batch.offsets, {0}, {3})).item<double>();
  }
  return std::sqrt(squares / static_cast<double>(pairs));
}

}  // namespace medlsam::training
