// The runtime that a test program is built with.
#pragma once

#include "runtimes/runtime.hpp"

namespace medlsam {

// The cpu runtime, or one whose library MEDLSAM_ONNXRUNTIME or MEDLSAM_TORCH names.
std::shared_ptr<const Runtime> runtime_under_test();

}  // namespace medlsam
