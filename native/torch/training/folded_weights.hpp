#pragma once

#include "torch/aten/execute.hpp"

namespace medlsam::training {

// Adds to SAM's weights under their official names what the network is computed with (SamWeights::at says
// what), differentiable through. Positions and what only mask prompts need are left out: they do not change
// in training.
void fold_sam_weights(torch::WeightMap& weights);

}  // namespace medlsam::training
