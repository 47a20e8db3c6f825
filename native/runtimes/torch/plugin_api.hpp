// What the torch plugin (medlsam_torch.so) and the addon agree on: a table of C functions, so that no C++
// type and no exception crosses between two libraries that may have been built apart.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

// Changes with every change of this file; the addon refuses a plugin of another number.
#define MEDLSAM_TORCH_ABI 6

// A dense row-major float32 array; `name` only where names are called for.
struct MedlsamTorchArray {
  const char* name;
  const float* data;
  const std::int64_t* shape;
  std::int32_t rank;
};

enum : std::int32_t { MEDLSAM_TORCH_FLOAT32 = 0, MEDLSAM_TORCH_BFLOAT16 = 1, MEDLSAM_TORCH_FLOAT16 = 2 };

// What a running call asks and tells; called from the calling thread.
struct MedlsamTorchRun {
  void* context;
  std::int32_t (*is_cancelled)(void* context);
  // The next output. `owner` keeps its memory alive until release_output(owner).
  void (*output)(void* context, const MedlsamTorchArray* array, void* owner);
};

// Training MedLAM; medlsam::training::TrainerOptions says what each means.
struct MedlsamTrainerOptions {
  const char* const* scans;  // files of training::write_scan
  std::size_t scan_count;
  const char* const* validation_scans;
  std::size_t validation_scan_count;
  std::int64_t width, patch, batch, micro_batch, epoch_steps, uam_steps;
  std::uint64_t seed;
  double learning_rate;
  double foreground;  // HU; NaN: as published
  const char* from;   // "": random weights
  const char* device;
  std::int32_t precision, loaders;
  // Of a run in several processes; medlsam::training::PeerOptions.
  std::int32_t rank, processes;
  const char *meeting_file, *meeting_host;
  std::uint16_t meeting_port;
};

// Training SAM; medlsam::training::SamTrainerOptions says what each means.
struct MedlsamSamTrainerOptions {
  const char* const* scans;  // files of training::write_annotated_scan
  std::size_t scan_count;
  const char* const* validation_scans;
  std::size_t validation_scan_count;
  const char* from;
  // Of a new network; medlsam::training::SamSizes.
  std::int64_t image_size, patch, width, depth, heads, mlp, window, channels, decoder_mlp;
  const std::int32_t* global_blocks;
  std::size_t global_block_count;
  std::int32_t encoder;
  std::int64_t batch, micro_batch, prompts, epoch_steps, epochs;
  std::uint64_t seed;
  double learning_rate, jitter;
  const char* device;
  std::int32_t precision, loaders;
};

struct MedlsamTrainerStep {
  std::int64_t step;  // done, this one included
  double losses[3];   // MedLAM: UAM, MSS; SAM: Dice, cross-entropy, predicted IoU
  double gradient, learning_rate, wait_seconds, seconds;
};

struct MedlsamTrainerRun {
  void* context;
  std::int32_t (*is_cancelled)(void* context);
  void (*step)(void* context, const MedlsamTrainerStep* step);  // not for validation
};

// Functions that can fail return 0, or 1 + a medlsam::ErrorCode, its message in last_error() of this thread.
struct MedlsamTorchTable {
  const char* version;  // of libtorch
  std::int32_t cuda_devices;
  const char* (*last_error)();

  // `document` is JSON: {"device": "cpu" or "cuda:N", "precision": "F32", "BF16" or "F16", of parameters and
  // arithmetic, "graph": as networks/graph_json.hpp says}. The parameters are the graph's, by name; their
  // memory outlives the network.
  std::int32_t (*create_network)(const char* document, std::size_t length,
                                 const MedlsamTorchArray* parameters, std::size_t parameter_count,
                                 void** network);
  std::int32_t (*run_network)(void* network, const MedlsamTorchArray* inputs, std::size_t input_count,
                              std::int32_t threads, const MedlsamTorchRun* run);
  void (*release_output)(void* owner);
  void (*destroy_network)(void* network);

  // A trainer of either network; one call at a time for each.
  std::int32_t (*create_trainer)(const MedlsamTrainerOptions* options, void** trainer);
  std::int32_t (*create_sam_trainer)(const MedlsamSamTrainerOptions* options, void** trainer);
  // Cancelled, it fails with kAborted, and what was done in whole steps stays.
  std::int32_t (*run_trainer)(void* trainer, std::int64_t steps, std::int32_t threads,
                              const MedlsamTrainerRun* run);
  // MedLAM: the error in mm over `count` pairs of patches; SAM: the Dice over `count` slices of each scan.
  std::int32_t (*validate_trainer)(void* trainer, std::int64_t count, std::int32_t threads,
                                   const MedlsamTrainerRun* run, double* figure);
  std::int32_t (*save_trainer)(void* trainer, const char* path);
  std::int32_t (*load_trainer)(void* trainer, const char* path);
  std::int32_t (*export_trainer)(void* trainer, const char* path);
  std::int64_t (*trainer_steps)(void* trainer);
  void (*destroy_trainer)(void* trainer);
};

// The plugin's only symbols, medlsam_torch_abi and medlsam_torch_table. The number comes first: the table is
// read only if it is the wanted one.
using MedlsamTorchAbi = std::int32_t (*)();
using MedlsamTorchGetTable = const MedlsamTorchTable* (*)();
}
