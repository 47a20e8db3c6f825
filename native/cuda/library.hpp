// The CUDA plugin, loaded at run time from the path that TypeScript resolved. Everything that needs CUDA is
// in there (plugin_api.hpp); this side needs neither its headers nor its library.
#pragma once

#include <string>
#include <vector>

#include "cuda/plugin_api.hpp"

namespace medlsam::cuda {

// Loads the plugin once per process; a second call with another path is refused. Throws kRuntimeUnavailable
// naming the path, what is wrong with it and how to build one. A machine without a GPU or a driver can load
// it: devices() says what is missing.
const MedlsamCudaTable& load(const std::string& path);

// Throws what a function of the table came back with; 0 is success.
void check(const MedlsamCudaTable& table, std::int32_t result);

// The GPUs that the driver shows. Throws kRuntimeUnavailable with one line that says why there is none.
std::vector<MedlsamCudaDevice> devices(const MedlsamCudaTable& table);

// Throws kRuntimeUnavailable with one line where the GPU is not there, is too old, or has no code in the
// plugin.
void require_gpu(const MedlsamCudaTable& table, int gpu);

// "13.0" for CUDA's 13000.
std::string version_text(std::int32_t version);

}  // namespace medlsam::cuda
