// The MedLAM network (algorithm.md part 2), written once over `Ops`: a 3D U-Net whose bottom gives a position
// in the unified anatomical coordinate system and whose decoder gives features at three scales.
#pragma once

#include <string>
#include <vector>

#include "networks/medlam_weights.hpp"

namespace medlsam {

// An Ops has a `Tensor` (cheap to copy, shape (n, c, z, y, x) or (n, k)) and
//   weight(name, TensorView)           a parameter
//   conv3d(x, weight, bias, padding)
//   instance_norm_relu(x, epsilon)     statistics of each channel of each patch, no affine
//   max_pool3d(x, size)
//   upsample_trilinear(x, factor)      half-pixel centres
//   concat(a, b)                       along channels
//   flatten(x)                         (n, …) → (n, k)
//   dropout(x)                         what training hides of level 4; x itself elsewhere
//   linear(x, weight, bias)            x·weightᵀ + bias
template <class Ops>
class MedLamNetwork {
 public:
  using Tensor = typename Ops::Tensor;

  MedLamNetwork(Ops& ops, const MedLamWeights& weights) : ops_(ops), weights_(weights) {}

  // patch (n, 1, p, p, p) → position (n, 3), then the features of scales 0 … deepest: (n, 4B, p/4…), (n, 4B,
  // p/2…), (n, 4B, p…). deepest = −1 runs the encoder only.
  std::vector<Tensor> operator()(Tensor patch, int deepest) {
    std::vector<Tensor> skips;
    Tensor x = patch;
    for (int level = 0; level < 5; ++level) {
      if (level > 0) x = ops_.max_pool3d(x, 2);
      x = unit(unit(x, level, 1), level, 2);
      skips.push_back(x);
    }
    x = ops_.dropout(x);
    std::vector<Tensor> outputs = {
        fully_connected(fully_connected(fully_connected(ops_.flatten(x), 1), 2), 3)};
    // The decoder's first stage (units 5) leads to the scales, one more stage for each.
    for (int stage = 0; deepest >= 0 && stage <= deepest + 1; ++stage) {
      x = ops_.concat(ops_.upsample_trilinear(x, 2), skips[3 - stage]);
      x = unit(unit(x, 5 + stage, 1), 5 + stage, 2);
      if (stage > 0) outputs.push_back(x);
    }
    return outputs;
  }

 private:
  Tensor parameter(const std::string& name) { return ops_.weight(name, weights_.at(name)); }

  Tensor unit(Tensor x, int k, int j) {
    const std::string name = "conv" + std::to_string(k) + "_" + std::to_string(j) + ".model.conv1_1.Conv";
    x = ops_.conv3d(x, parameter(name + ".weight"), parameter(name + ".bias"), 1);
    return ops_.instance_norm_relu(x, 1e-5f);
  }

  Tensor fully_connected(Tensor x, int index) {
    const std::string name = "fc" + std::to_string(index);
    return ops_.linear(x, parameter(name + ".weight"), parameter(name + ".bias"));
  }

  Ops& ops_;
  const MedLamWeights& weights_;
};

}  // namespace medlsam
