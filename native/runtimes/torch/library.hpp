// The torch plugin, loaded at run time from the path JavaScript resolved. Everything that needs libtorch is
// in there (plugin_api.hpp); this side needs neither its headers nor its library.
#pragma once

#include <string>

#include "runtimes/torch/plugin_api.hpp"

namespace medlsam::torch {

// Loads the plugin once per process; a second call with another path is refused. Throws kRuntimeUnavailable
// naming the path, what is wrong with it and how to build one.
const MedlsamTorchTable& load(const std::string& path);

// Throws what a function of the table came back with; 0 is success.
void check(const MedlsamTorchTable& table, std::int32_t result);

}  // namespace medlsam::torch
