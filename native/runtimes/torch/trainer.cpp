#include "runtimes/torch/trainer.hpp"

#include <utility>

namespace medlsam::torch {
namespace {

struct Running {
  const Task& task;
  std::int64_t wanted;
  std::vector<TrainerStep> steps;
  std::map<std::int32_t, double> labels;

  MedlsamTrainerRun callbacks() {
    MedlsamTrainerRun run{};
    run.context = this;
    run.is_cancelled = [](void* self) { return static_cast<Running*>(self)->task.is_cancelled() ? 1 : 0; };
    run.step = [](void* self, const MedlsamTrainerStep* step) { static_cast<Running*>(self)->add(*step); };
    run.label = [](void* self, std::int32_t label, double figure) {
      static_cast<Running*>(self)->labels[label] = figure;
    };
    return run;
  }

  void add(const MedlsamTrainerStep& step) {
    TrainerStep& added = steps.emplace_back();
    added.step = step.step;
    added.losses.assign(step.losses, step.losses + step.loss_count);
    added.gradient = step.gradient;
    added.learning_rate = step.learning_rate;
    added.wait_seconds = step.wait_seconds;
    added.seconds = step.seconds;
    task.report(steps.size(), static_cast<std::size_t>(wanted));
  }
};

}  // namespace

PluginTrainer::PluginTrainer(const MedlsamTorchTable& table, const std::string& document) : table_(table) {
  check(table_, table_.trainer.create(document.c_str(), &trainer_));
}

PluginTrainer::~PluginTrainer() {
  table_.trainer.destroy(trainer_);
}

std::vector<TrainerStep> PluginTrainer::run(std::int64_t steps, const Task& task) {
  const std::lock_guard lock(mutex_);
  Running running = {task, steps, {}, {}};
  const MedlsamTrainerRun callbacks = running.callbacks();
  const std::int32_t result =
      table_.trainer.run(trainer_, steps, static_cast<std::int32_t>(task.threads), &callbacks);
  if (result != 0 && !task.is_cancelled() && running.steps.empty()) check(table_, result);
  return std::move(running.steps);
}

TrainerValidation PluginTrainer::validate(std::int64_t count, const Task& task) {
  const std::lock_guard lock(mutex_);
  Running running = {task, count, {}, {}};
  const MedlsamTrainerRun callbacks = running.callbacks();
  TrainerValidation result;
  check(table_, table_.trainer.validate(trainer_, count, static_cast<std::int32_t>(task.threads), &callbacks,
                                        &result.figure));
  result.labels = std::move(running.labels);
  return result;
}

void PluginTrainer::save(const std::string& path) {
  const std::lock_guard lock(mutex_);
  check(table_, table_.trainer.save(trainer_, path.c_str()));
}

void PluginTrainer::load(const std::string& path) {
  const std::lock_guard lock(mutex_);
  check(table_, table_.trainer.load(trainer_, path.c_str()));
}

void PluginTrainer::export_model(const std::string& path) {
  const std::lock_guard lock(mutex_);
  check(table_, table_.trainer.export_model(trainer_, path.c_str()));
}

}  // namespace medlsam::torch
