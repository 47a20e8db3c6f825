// The losses of SAM's masks, over ATen tensors, with gradients.
#pragma once

#include <ATen/ATen.h>

namespace medlsam::training {

// Sums over the prompts.
struct MaskLosses {
  at::Tensor dice;           // 1 − soft Dice of each mask; one pixel of agreement is granted to all
  at::Tensor cross_entropy;  // mean over each mask's pixels
  at::Tensor iou;            // squared error of the predicted IoU
};

// logits and targets (prompts, 1, L, L), targets in 0 … 1; ious (prompts, 1), predicted.
MaskLosses mask_losses(const at::Tensor& logits, const at::Tensor& ious, const at::Tensor& targets);

}  // namespace medlsam::training
