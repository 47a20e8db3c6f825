// Results of CUDA's functions as exceptions; for sources that nvcc compiles.
#pragma once

#include <cuda_runtime.h>

namespace medlsam::cuda {

// `what`: what was done, as "copying to the GPU". Throws kOutOfMemory, kDeviceFailed.
void check(cudaError_t error, const char* what);

}  // namespace medlsam::cuda
