#pragma once

#include <memory>
#include <string>

#include "runtimes/runtime.hpp"

namespace medlsam::cpu {

// Graphs on this package's own kernels, as the runtime "cpu". It needs no library, and runs at every
// instruction set. It computes in float32 on the CPU alone.
std::shared_ptr<const Runtime> open_cpu_runtime(const std::string& library = "");

}  // namespace medlsam::cpu
