// The one exception type of the native code. Its code is stable and reaches JavaScript unchanged
// (lib/base/errors.ts maps each code to an error class, lib/cli/exit-codes.ts to an exit code).
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace medlsam {

enum class ErrorCode {
  kInternal,            // a bug here or in a runtime
  kAborted,             // canceled by the caller
  kBadArgument,         // an invalid argument, as opposed to an invalid file
  kFileNotFound,        // no such file or folder
  kReadFailed,          // the operating system refused to read
  kWriteFailed,         // the operating system refused to write (permissions, disk full)
  kBadVolume,           // not a volume this project reads, or a damaged one
  kBadLabels,           // a label map with values that are not labels
  kNotHu,               // intensities that cannot be Hounsfield units
  kBadCheckpoint,       // not a checkpoint, a damaged one, or one of another network
  kBadTemplates,        // not a template file, or a damaged one
  kBadAnnotation,       // an organ without voxels, points outside the scan
  kRuntimeUnavailable,  // ONNX Runtime is missing or too old
  kOutOfMemory,         // the memory of a GPU did not suffice
  kDeviceFailed,        // a GPU was lost, or failed in the middle of the work
};

// "BAD_VOLUME" and so on: the `code` of the JavaScript error.
const char* error_code_name(ErrorCode code);

// The code of an error that a library reports in words only: kOutOfMemory or kDeviceFailed if it speaks of a
// GPU's memory or of CUDA, cuDNN or cuBLAS, else kInternal.
ErrorCode device_error_code(std::string_view message);

// `message`: what was wrong, where, and what to do.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace medlsam
