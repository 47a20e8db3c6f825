// The training part of the plugin's table (plugin_api.hpp).
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

struct MedlsamTrainerStep {
  std::int64_t step;     // steps done, this one included
  const double* losses;  // MedLAM: UAM, MSS; SAM: Dice, cross-entropy, predicted IoU
  std::size_t loss_count;
  double gradient, learning_rate, wait_seconds, seconds;
};

// Cancellation of a running call and the receiver of its results; called from the calling thread.
struct MedlsamTrainerRun {
  void* context;
  std::int32_t (*is_cancelled)(void* context);
  void (*step)(void* context, const MedlsamTrainerStep* step);      // of run
  void (*label)(void* context, std::int32_t label, double figure);  // of validate, where there are labels
};

// One call at a time for each trainer. Functions that can fail return what those of MedlsamTorchTable do.
struct MedlsamTrainerTable {
  // `document`: JSON, as medlsam::training::make_trainer reads it.
  std::int32_t (*create)(const char* document, void** trainer);
  // Cancelled, it fails with kAborted; whole steps that were done stay.
  std::int32_t (*run)(void* trainer, std::int64_t steps, std::int32_t threads, const MedlsamTrainerRun* run);
  // MedLAM: the error in mm over `count` pairs of patches; SAM: the Dice over `count` slices of each scan.
  std::int32_t (*validate)(void* trainer, std::int64_t count, std::int32_t threads,
                           const MedlsamTrainerRun* run, double* figure);
  std::int32_t (*save)(void* trainer, const char* path);
  std::int32_t (*load)(void* trainer, const char* path);
  std::int32_t (*export_model)(void* trainer, const char* path);
  std::int64_t (*steps)(void* trainer);
  void (*destroy)(void* trainer);
};
}
