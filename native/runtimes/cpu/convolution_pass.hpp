#pragma once

#include "runtimes/cpu/compilation.hpp"

namespace medlsam::cpu {

// Takes 3×3×3 convolutions with a padding of one, and around each what can join in: the upsampling and
// concatenation before it, the normalization with ReLU and the pooling after it.
void claim_convolutions(Compilation& compilation);

}  // namespace medlsam::cpu
