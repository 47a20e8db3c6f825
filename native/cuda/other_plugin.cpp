// A plugin built for another version, for library_test.cpp.
#include "cuda/plugin_api.hpp"

extern "C" {

__attribute__((visibility("default"))) std::int32_t medlsam_cuda_abi() {
  return -1;
}

__attribute__((visibility("default"))) const MedlsamCudaTable* medlsam_cuda_table() {
  return nullptr;
}
}
