// The runtime of a network, as JavaScript names it (contract's Runtime).
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>

#include "runtimes/runtime.hpp"

namespace medlsam::addon {

// Makes the runtimes of this build known by their names.
void register_runtimes();

struct RuntimeChoice {
  std::string name, library, device, precision;
};
RuntimeChoice to_runtime_choice(const Napi::Value& object);

// Where a network really runs, and what compiles it there.
struct Located {
  Compile compile;
  Placement placement;
};

// Loads the library and finds the device. Throws kBadArgument, kRuntimeUnavailable.
Located locate(const RuntimeChoice& choice, unsigned threads);

Napi::Array device_names(Napi::Env env, const std::vector<Device>& devices);

std::int32_t to_precision(const std::string& name);  // MEDLSAM_TORCH_FLOAT32 …

// parseDevice(text): the canonical name of a device, "cpu", "cuda" or "cuda:N".
Napi::Value parse_device(const Napi::CallbackInfo& info);

}  // namespace medlsam::addon
