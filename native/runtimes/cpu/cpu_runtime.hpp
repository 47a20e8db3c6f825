#pragma once

#include <memory>
#include <string>

#include "runtimes/runtime.hpp"

namespace medlsam::cpu {

// Graphs on this package's own kernels, as the runtime "cpu". It needs no library, and runs at every
// instruction set, on the CPU alone. In bfloat16, for which the processor must have AVX-512 BF16, the factors
// of linear maps of tokens and of attention (nearly all of SAM's work) are rounded; all else is float32.
std::shared_ptr<const Runtime> open_cpu_runtime(const std::string& library = "");

}  // namespace medlsam::cpu
