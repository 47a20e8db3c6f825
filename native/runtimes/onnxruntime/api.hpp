// ONNX Runtime, loaded at run time from the path JavaScript resolved: linking it would pin one exact version.
#pragma once

// The C++ wrapper's functions are inline over a table that load() fills.
#ifndef ORT_API_MANUAL_INIT
#define ORT_API_MANUAL_INIT
#endif
#include <onnxruntime_cxx_api.h>

#include <string>
#include <vector>

namespace medlsam::onnx {

// Loads the library once per process; a second call with another path is refused, since two copies would not
// share threads or memory. Throws kRuntimeUnavailable naming the path, the version found and the version
// wanted.
void load(const std::string& path);

std::string path();                    // of the library; load() first
std::string version();                 // "1.30.0"
std::vector<std::string> providers();  // "CPUExecutionProvider", …

Ort::Env& environment();

}  // namespace medlsam::onnx
