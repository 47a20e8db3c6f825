// The training functions of plugin_api.hpp.
#include <ATen/Parallel.h>

#include <chrono>
#include <cmath>
#include <memory>
#include <utility>

#include "localization/grid/grid.hpp"
#include "torch/aten/caching_allocator.hpp"
#include "torch/plugin/guard.hpp"
#include "torch/training/medlam_trainer.hpp"
#include "torch/training/sam_trainer.hpp"

namespace medlsam::torch {
namespace {

// A trainer of either network.
class AnyTrainer {
 public:
  virtual ~AnyTrainer() = default;
  virtual std::int64_t steps() const = 0;
  virtual MedlsamTrainerStep step(const Check& check) = 0;  // without its number and time
  virtual double validate(std::int64_t count, const Check& check) = 0;
  virtual void save(const std::string& path) const = 0;
  virtual void load(const std::string& path) = 0;
  virtual void export_model(const std::string& path) const = 0;
};

MedlsamTrainerStep to_c(const training::StepResult& step) {
  return {0, {step.uam, step.mss}, step.gradient, step.learning_rate, step.wait_seconds, 0};
}

MedlsamTrainerStep to_c(const training::SamStepResult& step) {
  return {0, {step.dice, step.cross_entropy, step.iou}, step.gradient, step.learning_rate, step.wait_seconds,
          0};
}

template <class Trainer>
class TrainerOf : public AnyTrainer {
 public:
  template <class Options>
  explicit TrainerOf(Options&& options) : trainer_(std::forward<Options>(options)) {}

  std::int64_t steps() const override { return trainer_.steps(); }
  MedlsamTrainerStep step(const Check& check) override { return to_c(trainer_.step(check)); }
  double validate(std::int64_t count, const Check& check) override { return trainer_.validate(count, check); }
  void save(const std::string& path) const override { trainer_.save(path); }
  void load(const std::string& path) override { trainer_.load(path); }
  void export_model(const std::string& path) const override { trainer_.export_model(path); }

 private:
  Trainer trainer_;
};

AnyTrainer& open(void* trainer) {
  return *static_cast<AnyTrainer*>(trainer);
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
    wanted.micro_batch = options->micro_batch;
    wanted.epoch_steps = options->epoch_steps;
    wanted.uam_steps = options->uam_steps;
    if (!std::isnan(options->foreground)) {
      const float least = map_hu(options->foreground);
      wanted.foreground = {least, least};
    }
    wanted.seed = options->seed;
    wanted.learning_rate = options->learning_rate;
    wanted.from = options->from;
    wanted.device = options->device;
    wanted.precision = scalar_type(options->precision);
    wanted.loaders = options->loaders;
    wanted.peers = {options->rank, options->processes, options->meeting_file, options->meeting_host,
                    options->meeting_port};
    *trainer = static_cast<AnyTrainer*>(new TrainerOf<training::Trainer>(std::move(wanted)));
  });
}

std::int32_t create_sam_trainer(const MedlsamSamTrainerOptions* options, void** trainer) {
  return guarded([&] {
    cache_tensor_memory();
    training::SamTrainerOptions wanted;
    wanted.scans = to_strings(options->scans, options->scan_count);
    wanted.validation_scans = to_strings(options->validation_scans, options->validation_scan_count);
    wanted.from = options->from;
    wanted.sizes = {
        options->image_size, options->patch,
        options->width,      options->depth,
        options->heads,      options->mlp,
        options->window,     {options->global_blocks, options->global_blocks + options->global_block_count},
        options->channels,   options->decoder_mlp};
    wanted.encoder = options->encoder != 0;
    wanted.batch = options->batch;
    wanted.micro_batch = options->micro_batch;
    wanted.prompts = options->prompts;
    wanted.epoch_steps = options->epoch_steps;
    wanted.epochs = options->epochs;
    wanted.seed = options->seed;
    wanted.learning_rate = options->learning_rate;
    wanted.jitter = options->jitter;
    wanted.device = options->device;
    wanted.precision = scalar_type(options->precision);
    wanted.loaders = options->loaders;
    *trainer = static_cast<AnyTrainer*>(new TrainerOf<training::SamTrainer>(std::move(wanted)));
  });
}

std::int32_t run_trainer(void* trainer, std::int64_t steps, std::int32_t threads,
                         const MedlsamTrainerRun* run) {
  return guarded([&] {
    at::set_num_threads(threads);
    const Check check = to_check(run->is_cancelled, run->context);
    for (std::int64_t i = 0; i < steps; ++i) {
      const auto started = std::chrono::steady_clock::now();
      MedlsamTrainerStep step = open(trainer).step(check);
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started;
      step.step = open(trainer).steps();
      step.seconds = seconds.count();
      run->step(run->context, &step);
    }
  });
}

std::int32_t validate_trainer(void* trainer, std::int64_t count, std::int32_t threads,
                              const MedlsamTrainerRun* run, double* figure) {
  return guarded([&] {
    at::set_num_threads(threads);
    *figure = open(trainer).validate(count, to_check(run->is_cancelled, run->context));
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
