#include "base/error.hpp"

namespace medlsam {

const char* error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInternal:
      return "INTERNAL";
    case ErrorCode::kAborted:
      return "ABORTED";
    case ErrorCode::kBadArgument:
      return "BAD_ARGUMENT";
    case ErrorCode::kFileNotFound:
      return "FILE_NOT_FOUND";
    case ErrorCode::kReadFailed:
      return "READ_FAILED";
    case ErrorCode::kWriteFailed:
      return "WRITE_FAILED";
    case ErrorCode::kBadVolume:
      return "BAD_VOLUME";
    case ErrorCode::kBadLabels:
      return "BAD_LABELS";
    case ErrorCode::kNotHu:
      return "NOT_HU";
    case ErrorCode::kBadCheckpoint:
      return "BAD_CHECKPOINT";
    case ErrorCode::kBadTemplates:
      return "BAD_TEMPLATES";
    case ErrorCode::kBadAnnotation:
      return "BAD_ANNOTATION";
    case ErrorCode::kRuntimeUnavailable:
      return "RUNTIME_UNAVAILABLE";
    case ErrorCode::kOutOfMemory:
      return "OUT_OF_MEMORY";
    case ErrorCode::kDeviceFailed:
      return "DEVICE_FAILED";
  }
  return "INTERNAL";
}

ErrorCode device_error_code(std::string_view message) {
  const auto says = [message](std::string_view words) {
    return message.find(words) != std::string_view::npos;
  };
  const bool is_gpu = says("CUDA") || says("cuda") || says("CUDNN") || says("CUBLAS");
  const bool is_memory = says("out of memory") || says("ALLOC_FAILED") || says("Failed to allocate memory");
  if (is_gpu || is_memory) return is_memory ? ErrorCode::kOutOfMemory : ErrorCode::kDeviceFailed;
  return ErrorCode::kInternal;
}

}  // namespace medlsam
