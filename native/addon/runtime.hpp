// What runs a network, as JavaScript names it (contract.ts's Runtime).
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>

#include "networks/medlam_model.hpp"
#include "networks/sam_model.hpp"

namespace medlsam::addon {

struct Runtime {
  bool torch = false;             // else ONNX Runtime
  std::string library;            // the path of ONNX Runtime or of the torch plugin
  std::string device, precision;  // torch only
};

std::int32_t to_precision(const std::string& name);  // MEDLSAM_TORCH_FLOAT32 …

Runtime to_runtime(const Napi::Value& object);

// Load the library and offer the network on it. Throw kRuntimeUnavailable.
MedLamBuilder medlam_builder(const Runtime& runtime, unsigned threads);
SamBuilder sam_builder(const Runtime& runtime, unsigned threads);

}  // namespace medlsam::addon
