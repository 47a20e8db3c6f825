// The interface between the torch plugin (medlsam_torch.so) and the addon: a table of C functions, so that no
// C++ type and no exception crosses between two libraries that may have been built apart.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtimes/torch/trainer_api.hpp"

extern "C" {

// Changes with every change of this file or of trainer_api.hpp; the addon refuses a plugin of another number.
#define MEDLSAM_TORCH_ABI 7

enum : std::int32_t { MEDLSAM_TORCH_FLOAT32 = 0, MEDLSAM_TORCH_BFLOAT16 = 1, MEDLSAM_TORCH_FLOAT16 = 2 };

// A dense row-major array; `name` only where names are called for.
struct MedlsamTorchArray {
  const char* name;
  const void* data;  // in the memory of `device`
  const std::int64_t* shape;
  std::int32_t rank;
  std::int32_t type;    // MEDLSAM_TORCH_FLOAT32, …
  std::int32_t device;  // number of the GPU; −1: main memory
};

// Callbacks of a running call; called from the calling thread.
struct MedlsamTorchRun {
  void* context;
  std::int32_t (*is_cancelled)(void* context);
  // The next output. `owner` keeps its memory alive until release_output(owner).
  void (*output)(void* context, const MedlsamTorchArray* array, void* owner);
  // cudaStream_t in whose order inputs on the GPU are written and outputs will be; null: one of the
  // network's own. The call may return before the work that it queued there is done.
  void* stream;
};

// Functions that can fail return 0, or 1 + a medlsam::ErrorCode, its message in last_error() of this thread.
struct MedlsamTorchTable {
  const char* version;        // of libtorch
  std::int32_t cuda_version;  // that it is built for, 1000·major + 10·minor; 0: it is built for the CPU
  std::int32_t cuda_devices;  // those that it sees
  const char* (*last_error)();

  // `document` is JSON: {"device": "cpu" or "cuda:N", "precision": "F32", "BF16" or "F16", of parameters and
  // arithmetic, "graph": as networks/graph_json.hpp says}. The parameters are the graph's, by name, float32
  // in main memory, which outlives the network.
  std::int32_t (*create_network)(const char* document, std::size_t length,
                                 const MedlsamTorchArray* parameters, std::size_t parameter_count,
                                 void** network);
  std::int32_t (*run_network)(void* network, const MedlsamTorchArray* inputs, std::size_t input_count,
                              std::int32_t threads, const MedlsamTorchRun* run);
  // Outputs of a network on the CPU are float32 in main memory; those of one on a GPU stay there, in the
  // precision that it computes in. The latter are read by copying bytes to the host, which waits for them.
  std::int32_t (*read_output)(void* owner, std::size_t offset, std::size_t bytes, void* to);
  void* (*output_stream)(void* owner);
  void (*release_output)(void* owner);
  void (*destroy_network)(void* network);

  MedlsamTrainerTable trainer;
};

// The plugin's only symbols, medlsam_torch_abi and medlsam_torch_table. The number comes first: the table is
// read only if it is the wanted one.
using MedlsamTorchAbi = std::int32_t (*)();
using MedlsamTorchGetTable = const MedlsamTorchTable* (*)();
}
