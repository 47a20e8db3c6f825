// The torch plugin, loaded at run time from the path JavaScript resolved. Everything that needs libtorch is
// in there (plugin_api.hpp); this side needs neither its headers nor its library.
#pragma once

#include <string>

#include "networks/medlam_model.hpp"
#include "networks/sam_model.hpp"
#include "runtimes/torch/plugin_api.hpp"

namespace medlsam::torch {

// Loads the plugin once per process; a second call with another path is refused. Throws kRuntimeUnavailable
// naming the path, what is wrong with it and how to build one.
const MedlsamTorchTable& load(const std::string& path);

// Throws what a function of the table came back with; 0 is success.
void check(const MedlsamTorchTable& table, std::int32_t result);

struct NetworkOptions {
  std::string device = "cpu";  // "cpu", "cuda", "cuda:N"
  std::int32_t precision = MEDLSAM_TORCH_FLOAT32;
  unsigned threads = 1;
};

// The networks on the loaded plugin.
MedLamBuilder medlam_builder(const MedlsamTorchTable& table, const NetworkOptions& options);
SamBuilder sam_builder(const MedlsamTorchTable& table, const NetworkOptions& options);

}  // namespace medlsam::torch
