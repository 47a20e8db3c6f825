// The training functions of the plugin's table (runtimes/torch/trainer_api.hpp).
#include <ATen/Parallel.h>

#include "torch/aten/caching_allocator.hpp"
#include "torch/plugin/guard.hpp"
#include "torch/training/trainer.hpp"

namespace medlsam::torch {
namespace {

training::Trainer& open(void* trainer) {
  return *static_cast<training::Trainer*>(trainer);
}

std::int32_t create(const char* document, void** trainer) {
  return guarded([&] {
    cache_tensor_memory();
    *trainer = training::make_trainer(document).release();
  });
}

std::int32_t run_steps(void* trainer, std::int64_t steps, std::int32_t threads,
                       const MedlsamTrainerRun* run) {
  return guarded([&] {
    at::set_num_threads(threads);
    const Check check = to_check(run->is_cancelled, run->context);
    for (std::int64_t i = 0; i < steps; ++i) {
      const training::StepResult result = open(trainer).step(check);
      MedlsamTrainerStep step{};
      step.step = open(trainer).steps();
      step.losses = result.losses.data();
      step.loss_count = result.losses.size();
      step.gradient = result.gradient;
      step.learning_rate = result.learning_rate;
      step.wait_seconds = result.wait_seconds;
      step.seconds = result.seconds;
      run->step(run->context, &step);
    }
  });
}

std::int32_t validate(void* trainer, std::int64_t count, std::int32_t threads, const MedlsamTrainerRun* run,
                      double* figure) {
  return guarded([&] {
    at::set_num_threads(threads);
    const training::Validation result =
        open(trainer).validate(count, to_check(run->is_cancelled, run->context));
    for (const auto& [label, its_figure] : result.labels) run->label(run->context, label, its_figure);
    *figure = result.figure;
  });
}

}  // namespace

MedlsamTrainerTable trainer_table() {
  MedlsamTrainerTable table{};
  table.create = create;
  table.run = run_steps;
  table.validate = validate;
  table.save = [](void* trainer, const char* path) { return guarded([&] { open(trainer).save(path); }); };
  table.load = [](void* trainer, const char* path) { return guarded([&] { open(trainer).load(path); }); };
  table.export_model = [](void* trainer, const char* path) {
    return guarded([&] { open(trainer).export_model(path); });
  };
  table.steps = [](void* trainer) { return open(trainer).steps(); };
  table.destroy = [](void* trainer) {
    delete &open(trainer);
    release_cached_memory();
  };
  return table;
}

}  // namespace medlsam::torch
