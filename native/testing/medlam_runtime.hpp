// The runtime that localize_conformance_test.cpp is built with.
#pragma once

#include "networks/medlam_model.hpp"

namespace medlsam {

// Loads the library that MEDLSAM_ONNXRUNTIME names.
MedLamBuilder medlam_runtime(unsigned threads);

}  // namespace medlsam
