// The symbols by which the plugin is found.
#include "cuda/plugin/table.hpp"

extern "C" {

__attribute__((visibility("default"))) std::int32_t medlsam_cuda_abi() {
  return MEDLSAM_CUDA_ABI;
}

__attribute__((visibility("default"))) const MedlsamCudaTable* medlsam_cuda_table() {
  return &medlsam::cuda::plugin_table();
}
}
