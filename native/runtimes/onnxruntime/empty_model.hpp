#pragma once

#include <string>
#include <vector>

#include "runtimes/onnxruntime/api.hpp"

namespace medlsam::onnx {

inline constexpr const char* kMicrosoft = "com.microsoft";  // ONNX Runtime's own operations

// The sets of operations that every graph here may use.
const std::vector<Ort::Model::DomainOpsetPair>& opsets();

// An ONNX file of those opsets with nothing in it. ONNX Runtime accepts operations of our own only in a
// session that began with a file (up to version 1.30 at least, CreateSessionFromModel never looks at the
// custom domains), so the graphs built in memory are added to this one.
std::string empty_model();

}  // namespace medlsam::onnx
