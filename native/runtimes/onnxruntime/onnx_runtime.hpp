#pragma once

#include <memory>
#include <string>

#include "runtimes/runtime.hpp"

namespace medlsam::onnx {

// ONNX Runtime as the runtime "onnx". `library` is its path. It computes in float32 alone. Where it has no
// CUDA, or not the GPU that is asked for, it places networks on the CPU and gives the reason.
std::shared_ptr<const Runtime> open_onnx_runtime(const std::string& library);

}  // namespace medlsam::onnx
