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
  options.SetIntraOpNumThreads(static_cast<int>(execution.threads));
  options.SetGraphOptimizationLevel(ORT_ENABLE_ALL);
  // Threads that wait for the next run by spinning would take the cores from the work between runs.
  options.AddConfigEntry("session.force_spinning_stop", "1");
  options.AddConfigEntry("session.use_env_allocators", "1");
  options.DisableMemPattern();
  if (execution.cuda) append_cuda(options, *execution.cuda);
  return options;
}

}  // namespace medlsam::onnx
