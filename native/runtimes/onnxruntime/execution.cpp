#include "runtimes/onnxruntime/execution.hpp"

namespace medlsam::onnx {
namespace {

void append_cuda(Ort::SessionOptions& options, int device) {
  OrtCUDAProviderOptions cuda{};
  cuda.device_id = device;
  options.AppendExecutionProvider_CUDA(cuda);
}

}  // namespace

std::string why_no_cuda(int device) {
  try {
    environment();  // whose log the provider writes to
    Ort::SessionOptions options;
    append_cuda(options, device);
    return "";
  } catch (const Ort::Exception& error) {
    return error.what();
  }
}

Ort::SessionOptions session_options(const Execution& execution) {
  Ort::SessionOptions options;
  options.DisablePerSessionThreads();
  options.SetGraphOptimizationLevel(ORT_ENABLE_ALL);
  options.AddConfigEntry("session.use_env_allocators", "1");
  options.DisableMemPattern();
  if (execution.cuda) append_cuda(options, *execution.cuda);
  return options;
}

}  // namespace medlsam::onnx
