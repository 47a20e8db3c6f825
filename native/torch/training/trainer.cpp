#include "torch/training/trainer.hpp"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <utility>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "torch/aten/arithmetic.hpp"
#include "torch/training/medlam_task.hpp"
#include "torch/training/sam_task.hpp"

namespace medlsam::training {
namespace {

using at::Tensor;

PeerOptions peers_for(const TrainerOptions& options) {
  if (options.batch >= options.peers.count) return options.peers;
  throw Error(ErrorCode::kBadArgument, "A batch of " + std::to_string(options.batch) +
                                           " cannot be shared by " + std::to_string(options.peers.count) +
                                           " processes. Give a larger batch or fewer processes.");
}

// Gradients fall below the smallest normal number, where the processor takes many times longer. The threads
// that this one starts, ATen's and the executor's, inherit the setting.
void set_arithmetic() {
  at::globalContext().setFlushDenormal(true);
  torch::allow_tf32(true);
}

}  // namespace

// Connects last: a process with invalid options must fail before its peers wait for it.
Trainer::Trainer(std::unique_ptr<TrainingTask> task)
    : task_(std::move(task)), peers_(peers_for(task_->options())) {}

void Trainer::start_loader() {
  const auto make = [this](std::int64_t step) {
    return task_->draw(step, [this](std::int64_t example) { return peers_.owns(example); });
  };
  loader_ = std::make_unique<Loader<std::unique_ptr<TrainingStep>>>(make, steps_, task_->options().loaders);
}

std::vector<std::int64_t> Trainer::own_examples() const {
  std::vector<std::int64_t> own;
  for (std::int64_t example = 0; example < task_->options().batch; ++example) {
    if (peers_.owns(example)) own.push_back(example);
  }
  return own;
}

// A whole batch at once would hold all its activations, tens of gigabytes for MedLAM at width 24. A GPU takes
// hardly longer for many examples than for one.
std::vector<Group> Trainer::groups(const std::vector<std::int64_t>& own) const {
  const auto count = static_cast<std::int64_t>(own.size());
  const std::int64_t usual = task_->arithmetic().device().is_cpu() ? 1 : count;
  const std::int64_t wanted = task_->options().micro_batch;
  const std::int64_t size = wanted > 0 ? wanted : usual;
  std::vector<Group> groups;
  for (std::int64_t begin = 0; begin < count; begin += size)
    groups.push_back({{own.begin() + begin, own.begin() + std::min(begin + size, count)}, begin});
  return groups;
}

// A process that stopped in the middle of a step would leave the others waiting for its part.
void Trainer::check_together(const torch::Check& check) {
  if (peers_.alone()) return check();
  std::exception_ptr mine;
  try {
    check();
  } catch (...) {
    mine = std::current_exception();
  }
  Tensor stopping = at::full({1}, mine ? 1 : 0, at::kDouble);
  peers_.sum(stopping);
  if (mine) std::rethrow_exception(mine);
  if (stopping.item<double>() > 0)
    throw Error(ErrorCode::kAborted, "Another process of the run was stopped.");
}

// The gradient and the losses of the whole batch, from every process's part.
void Trainer::sum_with_peers(std::vector<double>& losses) {
  if (peers_.alone()) return;
  Tensor shared = at::from_blob(losses.data(), {static_cast<std::int64_t>(losses.size())}, at::kDouble);
  peers_.sum(shared);
  std::vector<Tensor> gradients, flat;
  for (const auto& [name, tensor] : task_->weights()) {
    if (tensor.grad().defined()) gradients.push_back(tensor.grad());
  }
  for (const Tensor& gradient : gradients) flat.push_back(gradient.flatten());
  Tensor all = at::cat(flat);
  peers_.sum(all);
  std::int64_t begin = 0;
  for (Tensor& gradient : gradients) {
    gradient.copy_(all.slice(0, begin, begin + gradient.numel()).view(gradient.sizes()));
    begin += gradient.numel();
  }
}

void Trainer::require_finite(const StepResult& result) const {
  const auto is_finite = [](double value) { return std::isfinite(value); };
  if (std::all_of(result.losses.begin(), result.losses.end(), is_finite) && is_finite(result.gradient))
    return;
  std::string figures;
  const std::vector<std::string> names = task_->loss_names();
  for (std::size_t i = 0; i < names.size(); ++i)
    figures += names[i] + ' ' + std::to_string(result.losses[i]) + ", ";
  throw Error(ErrorCode::kBadArgument,
              "Training diverged at step " + std::to_string(steps_) + ": " + figures + "gradient " +
                  std::to_string(result.gradient) +
                  ". Use a smaller learning rate, or float32 where it was bfloat16.");
}

void Trainer::compute(TrainingStep& batch, StepResult& result, const torch::Check& check) {
  const std::vector<std::int64_t> own = own_examples();
  batch.begin(own, peers_);
  task_->optimizer().clear_gradients();
  result.losses.assign(task_->loss_names().size(), 0);
  for (const Group& group : groups(own)) {
    const std::vector<double> part = batch.accumulate(group, check);
    for (std::size_t i = 0; i < part.size(); ++i) result.losses[i] += part[i];
  }
  sum_with_peers(result.losses);
  result.gradient = task_->optimizer().clip_gradient();
  require_finite(result);
}

StepResult Trainer::step(const torch::Check& check) {
  const auto started = Clock::now();
  set_arithmetic();
  if (!loader_) start_loader();
  check_together(check);
  StepResult result;
  const auto asked = Clock::now();
  const std::unique_ptr<TrainingStep> batch = loader_->next();
  result.wait_seconds = seconds_since(asked);
  result.learning_rate = task_->learning_rate(steps_);
  try {
    compute(*batch, result, peers_.alone() ? check : torch::Check([] {}));
  } catch (...) {
    // The batch was taken; the next attempt at this step draws it anew.
    loader_.reset();
    throw;
  }
  task_->optimizer().update(result.learning_rate);
  ++steps_;
  result.seconds = seconds_since(started);
  return result;
}

Validation Trainer::validate(std::int64_t count, const torch::Check& check) {
  if (task_->options().validation_scans.empty())
    throw Error(ErrorCode::kBadArgument, "There is no scan to validate on.");
  set_arithmetic();
  const c10::NoGradGuard no_gradient;
  return task_->validate(count, check);
}

Metadata Trainer::settings() const {
  const TrainerOptions& options = task_->options();
  Metadata settings = task_->settings();
  settings["batch"] = std::to_string(options.batch);
  settings["epoch steps"] = std::to_string(options.epoch_steps);
  settings["seed"] = std::to_string(options.seed);
  settings["learning rate"] = std::to_string(options.learning_rate);
  settings["precision"] = at::toString(options.precision);
  settings["scans"] = names_of(options.scans);
  return settings;
}

void Trainer::save(const std::string& path) const {
  CheckpointWriter writer;
  writer.add("", task_->weights());
  task_->optimizer().save(writer);
  writer.write(path, checkpoint_metadata(settings(), task_->checkpoint_format(), steps_));
}

void Trainer::load(const std::string& path) {
  const CheckpointReader reader(path, task_->checkpoint_format(), settings());
  reader.read("", task_->weights());
  task_->optimizer().load(reader);
  steps_ = reader.steps();
  loader_.reset();
}

void Trainer::export_model(const std::string& path) const {
  task_->write_model(path, {{"step", std::to_string(steps_)}});
}

std::unique_ptr<Trainer> make_trainer(std::string_view document) {
  JsonReader json(document, "The training options", ErrorCode::kBadArgument);
  std::unique_ptr<TrainingTask> task;
  json.object([&](const std::string& network) {
    if (task) json.fail("one network is trained at a time");
    if (network == "medlam") {
      MedLamOptions options;
      OptionFields::read_object(json, options);
      task = std::make_unique<MedLamTask>(std::move(options));
    } else if (network == "sam") {
      SamOptions options;
      OptionFields::read_object(json, options);
      task = std::make_unique<SamTask>(std::move(options));
    } else {
      json.fail("there is no network " + json_string(network) + " to train");
    }
  });
  json.finish();
  if (!task) json.fail("they name no network");
  return std::make_unique<Trainer>(std::move(task));
}

}  // namespace medlsam::training
