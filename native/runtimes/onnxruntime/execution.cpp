#include "runtimes/onnxruntime/execution.hpp"

#include <filesystem>

namespace medlsam::onnx {
namespace {

void append_cuda(Ort::SessionOptions& options, int device) {
  OrtCUDAProviderOptions cuda{};
  cuda.device_id = device;
  options.AppendExecutionProvider_CUDA(cuda);
}

// The library of the CUDA provider that is not beside ONNX Runtime's own, where it looks for them; "" if both
// are.
std::string missing_library() {
  const std::filesystem::path folder = std::filesystem::path(path()).parent_path();
  for (const char* name : {"libonnxruntime_providers_shared.so", "libonnxruntime_providers_cuda.so"}) {
    std::error_code unreadable;
    if (!std::filesystem::exists(folder / name, unreadable)) return (folder / name).string();
  }
  return "";
}

}  // namespace

std::string why_no_cuda(int device) {
  try {
    environment();  // whose log the provider writes to
    Ort::SessionOptions options;
    append_cuda(options, device);
    return "";
  } catch (const Ort::Exception& error) {
    // ONNX Runtime does not say which library it could not load.
    const std::string missing = missing_library();
    if (missing.empty()) return error.what();
    return "its CUDA provider is not installed: there is no " + missing +
           " (ONNX Runtime for GPUs has it; MEDLSAM_ONNXRUNTIME names its library)";
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
