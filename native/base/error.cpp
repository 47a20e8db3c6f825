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
  }
  return "INTERNAL";
}

}  // namespace medlsam
