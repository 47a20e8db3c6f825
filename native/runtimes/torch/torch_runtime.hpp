#pragma once

#include <memory>
#include <string>

#include "runtimes/runtime.hpp"

namespace medlsam::torch {

// libtorch as the runtime "torch". `library` is the plugin's path. It computes in float32, bfloat16 or
// float16, and refuses a GPU that is not there.
std::shared_ptr<const Runtime> open_torch_runtime(const std::string& library);

// CUDA that the plugin's libtorch is built for, 1000·major + 10·minor; 0: it is built for the CPU.
int torch_cuda_version(const std::string& library);

}  // namespace medlsam::torch
