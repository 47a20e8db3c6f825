#include "torch/training/sam_losses.hpp"

namespace medlsam::training {

using at::Tensor;

MaskLosses mask_losses(const Tensor& logits, const Tensor& ious, const Tensor& targets) {
  const Tensor flat = logits.flatten(1), wanted = targets.flatten(1);
  const Tensor probabilities = at::sigmoid(flat);
  const Tensor both = (probabilities * wanted).sum(1), all = probabilities.sum(1) + wanted.sum(1);
  const Tensor entropy =
      at::binary_cross_entropy_with_logits(flat, wanted, {}, {}, at::Reduction::None).mean(1);
  const Tensor found = flat.detach() > 0, there = wanted > 0.5;
  const Tensor overlap = (found & there).sum(1).to(at::kFloat),
               united = (found | there).sum(1).to(at::kFloat);
  // Where both are empty, they are equal.
  const Tensor actual = at::where(united > 0, overlap / united.clamp_min(1), at::ones_like(united));
  return {(1 - (2 * both + 1) / (all + 1)).sum(), entropy.sum(), (ious.flatten() - actual).square().sum()};
}

}  // namespace medlsam::training
