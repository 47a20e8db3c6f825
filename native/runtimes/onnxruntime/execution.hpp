// The device and threads of a session.
#pragma once

#include <optional>
#include <string>

#include "runtimes/onnxruntime/api.hpp"

namespace medlsam::onnx {

struct Execution {
  unsigned threads = 1;     // of the CPU
  std::optional<int> cuda;  // number of the GPU; none: the CPU
};

// Why the CUDA provider cannot be had for this GPU, a sentence without its end; "" if it can. load() first.
std::string why_no_cuda(int device);

Ort::SessionOptions session_options(const Execution& execution);

}  // namespace medlsam::onnx
