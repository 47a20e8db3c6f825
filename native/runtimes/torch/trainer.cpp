#include "runtimes/torch/trainer.hpp"

namespace medlsam::torch {
namespace {

std::vector<const char*> to_c(const std::vector<std::string>& texts) {
  std::vector<const char*> pointers;
  for (const std::string& text : texts) pointers.push_back(text.c_str());
  return pointers;
}

struct Running {
  const Task& task;
  std::int64_t wanted;
  std::vector<MedlsamTrainerStep> steps;

  MedlsamTrainerRun callbacks() {
    return {this, [](void* self) { return static_cast<Running*>(self)->task.is_cancelled() ? 1 : 0; },
            [](void* self, const MedlsamTrainerStep* step) {
              auto& running = *static_cast<Running*>(self);
              running.steps.push_back(*step);
              running.task.report(running.steps.size(), static_cast<std::size_t>(running.wanted));
            }};
  }
};

}  // namespace

PluginTrainer::PluginTrainer(const MedlsamTorchTable& table, const PluginTrainerOptions& options)
    : table_(table) {
  const auto scans = to_c(options.scans), validation = to_c(options.validation_scans);
  const MedlsamTrainerOptions wanted = {scans.data(),
                                        scans.size(),
                                        validation.data(),
                                        validation.size(),
                                        options.width,
                                        options.patch,
                                        options.batch,
                                        options.micro_batch,
                                        options.epoch_steps,
                                        options.uam_steps,
                                        options.seed,
                                        options.learning_rate,
                                        options.foreground,
                                        options.from.c_str(),
                                        options.device.c_str(),
                                        options.precision,
                                        options.loaders,
                                        options.rank,
                                        options.processes,
                                        options.meeting_file.c_str(),
                                        options.meeting_host.c_str(),
                                        options.meeting_port};
  check(table_, table_.create_trainer(&wanted, &trainer_));
}

PluginTrainer::PluginTrainer(const MedlsamTorchTable& table, const PluginSamTrainerOptions& options)
    : table_(table) {
  const auto scans = to_c(options.scans), validation = to_c(options.validation_scans);
  const MedlsamSamTrainerOptions wanted = {scans.data(),
                                           scans.size(),
                                           validation.data(),
                                           validation.size(),
                                           options.from.c_str(),
                                           options.image_size,
                                           options.patch,
                                           options.width,
                                           options.depth,
                                           options.heads,
                                           options.mlp,
                                           options.window,
                                           options.channels,
                                           options.decoder_mlp,
                                           options.global_blocks.data(),
                                           options.global_blocks.size(),
                                           options.encoder ? 1 : 0,
                                           options.batch,
                                           options.micro_batch,
                                           options.prompts,
                                           options.epoch_steps,
                                           options.epochs,
                                           options.seed,
                                           options.learning_rate,
                                           options.jitter,
                                           options.device.c_str(),
                                           options.precision,
                                           options.loaders};
  check(table_, table_.create_sam_trainer(&wanted, &trainer_));
}

PluginTrainer::~PluginTrainer() {
  table_.destroy_trainer(trainer_);
}

std::vector<MedlsamTrainerStep> PluginTrainer::run(std::int64_t steps, const Task& task) {
  const std::lock_guard lock(mutex_);
  Running running = {task, steps, {}};
  const MedlsamTrainerRun callbacks = running.callbacks();
  const std::int32_t result =
      table_.run_trainer(trainer_, steps, static_cast<std::int32_t>(task.threads), &callbacks);
  if (result != 0 && !task.is_cancelled() && running.steps.empty()) check(table_, result);
  return std::move(running.steps);
}

double PluginTrainer::validate(std::int64_t count, const Task& task) {
  const std::lock_guard lock(mutex_);
  Running running = {task, count, {}};
  const MedlsamTrainerRun callbacks = running.callbacks();
  double figure = 0;
  check(table_, table_.validate_trainer(trainer_, count, static_cast<std::int32_t>(task.threads), &callbacks,
                                        &figure));
  return figure;
}

void PluginTrainer::save(const std::string& path) {
  const std::lock_guard lock(mutex_);
  check(table_, table_.save_trainer(trainer_, path.c_str()));
}

void PluginTrainer::load(const std::string& path) {
  const std::lock_guard lock(mutex_);
  check(table_, table_.load_trainer(trainer_, path.c_str()));
}

void PluginTrainer::export_model(const std::string& path) {
  const std::lock_guard lock(mutex_);
  check(table_, table_.export_trainer(trainer_, path.c_str()));
}

}  // namespace medlsam::torch
