// The runtime that sam_test.cpp is built with.
#pragma once

#include "networks/sam_model.hpp"

namespace medlsam {

// Loads the library that MEDLSAM_ONNXRUNTIME or MEDLSAM_TORCH names.
SamBuilder sam_runtime(unsigned threads);

}  // namespace medlsam
