// Random numbers of training. Every batch has a stream of its own, named by seed and step: which thread draws
// it, and whether the run was resumed in between, makes no difference.
#pragma once

#include "base/random.hpp"

namespace medlsam::training {

using Random = SplitMix64;

}  // namespace medlsam::training
