#pragma once

#include <cstdint>
#include <memory>

#include "core/checkpoints/checkpoint.hpp"

namespace medlsam::training {

// MedLAM's tensors, weights and biases uniform within ±1/√(inputs of a unit), as PyTorch starts its layers.
// The checkpoint owns them.
Checkpoint initial_weights(std::int64_t width, std::int64_t patch, std::uint64_t seed);

}  // namespace medlsam::training
