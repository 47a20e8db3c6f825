#pragma once

#include "torch/aten/execute.hpp"

namespace medlsam::training {

// Adds to SAM's official weights those that the network is computed with (SamWeights::at lists them),
// differentiably. Positions and the weights of mask prompts are left out: they do not change in training.
void fold_sam_weights(torch::WeightMap& weights);

}  // namespace medlsam::training
