#pragma once

#include <cstdint>
#include <memory>

#include "checkpoints/checkpoint.hpp"
#include "networks/medlam_weights.hpp"

namespace medlsam::training {

// MedLAM's tensors, weights and biases uniform within ±1/√(inputs of a unit), as PyTorch starts its layers.
// The checkpoint owns them.
Checkpoint initial_weights(std::int64_t width, std::int64_t patch, std::uint64_t seed);

// A network `factor` times as wide that begins with what `from` has learned (Net2Net; Chen, Goodfellow and
// Shlens, 2016): every channel is there `factor` times, and the weights from it are shared out. With `noise`
// 0 positions are those of `from`, and features are its features repeated, so that cosines are the same too;
// noise, in standard deviations of each convolution's weights, lets the copies become different. The
// checkpoint owns its tensors.
constexpr float kWideningNoise = 0.3f;
Checkpoint widened_weights(const MedLamWeights& from, std::int64_t factor, std::uint64_t seed,
                           float noise = kWideningNoise);

}  // namespace medlsam::training
