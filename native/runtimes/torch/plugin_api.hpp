// The interface between the torch plugin (medlsam_torch.so) and the addon: a table of C functions, so that no
// C++ type and no exception crosses between two libraries that may have been built apart.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtimes/torch/trainer_api.hpp"

extern "C" {

// Changes with every change of this file or of trainer_api.hpp; the addon refuses a plugin of another number.
#define MEDLSAM_TORCH_ABI 6

// A dense row-major float32 array; `name` only where names are called for.
struct MedlsamTorchArray {
  const char* name;
  const float* data;
  const std::int64_t* shape;
  std::int32_t rank;
};

enum : std::int32_t { MEDLSAM_TORCH_FLOAT32 = 0, MEDLSAM_TORCH_BFLOAT16 = 1, MEDLSAM_TORCH_FLOAT16 = 2 };

// Callbacks of a running call; called from the calling thread.
struct MedlsamTorchRun {
  void* context;
  std::int32_t (*is_cancelled)(void* context);
  // The next output. `owner` keeps its memory alive until release_output(owner).
  void (*output)(void* context, const MedlsamTorchArray* array, void* owner);
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

  MedlsamTrainerTable trainer;
};

// The plugin's only symbols, medlsam_torch_abi and medlsam_torch_table. The number comes first: the table is
// read only if it is the wanted one.
using MedlsamTorchAbi = std::int32_t (*)();
using MedlsamTorchGetTable = const MedlsamTorchTable* (*)();
}
