// What runs a network, as JavaScript names it (contract.ts's Runtime).
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>

#include "networks/medlam_model.hpp"
#include "networks/sam_model.hpp"

namespace medlsam::addon {

struct Runtime {
  bool torch = false;     // else ONNX Runtime
  std::string library;    // the path of ONNX Runtime or of the torch plugin
  std::string device;     // "cpu", "cuda" or "cuda:N"
  std::string precision;  // torch only
};

// Where a network really runs, and why not where it was to.
struct Placement {
  std::string device, fallback;
};

std::int32_t to_precision(const std::string& name);  // MEDLSAM_TORCH_FLOAT32 …

Runtime to_runtime(const Napi::Value& object);

// Loads the library and finds the device. ONNX Runtime falls back to the CPU, the torch runtime never does.
// Throws kRuntimeUnavailable.
Placement place(const Runtime& runtime);

// Offer the network there.
MedLamBuilder medlam_builder(const Runtime& runtime, const Placement& placement, unsigned threads);
SamBuilder sam_builder(const Runtime& runtime, const Placement& placement, unsigned threads);

// Sets device and fallback.
void describe(Napi::Object& object, const Placement& placement);

}  // namespace medlsam::addon
