#include "torch/training/folded_weights.hpp"

#include <array>
#include <string>

#include "networks/sam_weights.hpp"

namespace medlsam::training {
namespace {

using at::Tensor;

void fold_patch_embedding(torch::WeightMap& weights) {
  const Tensor weight = weights.at("image_encoder.patch_embed.proj.weight");
  const auto channels = [&](const std::array<double, 3>& values) {
    return at::tensor(at::ArrayRef<double>(values)).to(weight.device(), at::kFloat).reshape({1, 3, 1, 1});
  };
  const Tensor scaled = weight / channels(kSamDeviation);
  weights["folded.patch.weight"] = scaled.sum(1).flatten(1);
  weights["folded.patch.bias"] =
      weights.at("image_encoder.patch_embed.proj.bias") - (scaled * channels(kSamMean)).sum({1, 2, 3});
}

void fold_upscaling(torch::WeightMap& weights, const char* layer) {
  const std::string name = std::string("mask_decoder.output_upscaling.") + layer;
  const std::string to = std::string("folded.upscale.") + layer;
  const Tensor weight = weights.at(name + ".weight");  // (in, out, 2, 2)
  weights[to + ".weight"] = weight.permute({2, 3, 1, 0}).reshape({-1, weight.size(0)});
  weights[to + ".bias"] = weights.at(name + ".bias").repeat({4});
}

}  // namespace

void fold_sam_weights(torch::WeightMap& weights) {
  fold_patch_embedding(weights);
  fold_upscaling(weights, "0");
  fold_upscaling(weights, "3");
}

}  // namespace medlsam::training
