// The MedLAM network (algorithm.md part 2): a 3D U-Net whose bottom gives a position in the unified
// anatomical coordinate system and whose decoder gives features at three scales.
#pragma once

#include "networks/graph.hpp"
#include "networks/medlam_weights.hpp"

namespace medlsam {

// Input: patches (n, 1, p, p, p), values of the grid. Outputs: positions (n, 3), then the features of scales
// 0 … deepest: (n, 4B, p/4…), (n, 4B, p/2…), (n, 4B, p…). deepest = −1: the encoder only.
Graph medlam_graph(const MedLamWeights& weights, int deepest);

}  // namespace medlsam
