// The training functions of plugin_api.hpp.
#include <ATen/Parallel.h>

#include <chrono>

#include "runtimes/torch/caching_allocator.hpp"
#include "runtimes/torch/plugin_guard.hpp"
#include "training/trainer.hpp"

namespace medlsam::torch {
namespace {

training::Trainer& open(void* trainer) {
  return *static_cast<training::Trainer*>(trainer);
}

std::vector<std::string> to_strings(const char* const* texts, std::size_t count) {
  return {texts, texts + count};
}

}  // namespace

std::int32_t create_trainer(const MedlsamTrainerOptions* options, void** trainer) {
  return guarded([&] {
    cache_tensor_memory();
    training::TrainerOptions wanted;
    wanted.scans = to_strings(options->scans, options->scan_count);
    wanted.validation_scans = to_strings(options->validation_scans, options->validation_scan_count);
    wanted.width = options->width;
    wanted.patch = options->patch;
    wanted.batch = options->batch;
    wanted.epoch_steps = options->epoch_steps;
    wanted.uam_steps = options->uam_steps;
    wanted.seed = options->seed;
    wanted.learning_rate = options->learning_rate;
    wanted.from = options->from;
    wanted.device = options->device;
    wanted.precision = scalar_type(options->precision);
    *trainer = new training::Trainer(std::move(wanted));
  });
}

std::int32_t run_trainer(void* trainer, std::int64_t steps, std::int32_t threads,
                         const MedlsamTrainerRun* run) {
  return guarded([&] {
    at::set_num_threads(threads);
    const Check check = to_check(run->is_cancelled, run->context);
    for (std::int64_t i = 0; i < steps; ++i) {
      const auto started = std::chrono::steady_clock::now();
      const training::StepResult result = open(trainer).step(check);
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started;
      const MedlsamTrainerStep step = {open(trainer).steps(), result.uam,           result.mss,
                                       result.gradient,       result.learning_rate, result.wait_seconds,
                                       seconds.count()};
      run->step(run->context, &step);
    }
  });
}

std::int32_t validate_trainer(void* trainer, std::int64_t pairs, std::int32_t threads,
                              const MedlsamTrainerRun* run, double* millimetres) {
  return guarded([&] {
    at::set_num_threads(threads);
    *millimetres = open(trainer).validate(pairs, to_check(run->is_cancelled, run->context));
  });
}

std::int32_t save_trainer(void* trainer, const char* path) {
  return guarded([&] { open(trainer).save(path); });
}

std::int32_t load_trainer(void* trainer, const char* path) {
  return guarded([&] { open(trainer).load(path); });
}

std::int32_t export_trainer(void* trainer, const char* path) {
  return guarded([&] { open(trainer).export_model(path); });
}

std::int64_t trainer_steps(void* trainer) {
  return open(trainer).steps();
}

void destroy_trainer(void* trainer) {
  delete &open(trainer);
  release_cached_memory();
}

}  // namespace medlsam::torch
