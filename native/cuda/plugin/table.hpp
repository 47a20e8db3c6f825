// The plugin's side of plugin_api.hpp.
#pragma once

#include "cuda/plugin_api.hpp"

namespace medlsam::cuda {

const MedlsamCudaTable& plugin_table();

}  // namespace medlsam::cuda
