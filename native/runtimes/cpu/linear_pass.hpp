#pragma once

#include "runtimes/cpu/compilation.hpp"

namespace medlsam::cpu {

// Linear maps of tokens, (n, …, channels) with at least one axis between, on packed weights, with the norm
// before them and the activation and the addition after them where nothing else reads what is between.
void claim_linear(Compilation& compilation);

}  // namespace medlsam::cpu
