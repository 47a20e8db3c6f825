#pragma once

#include <ATen/ATen.h>

namespace medlsam::training {

// One scale's part of the MSS loss (algorithm.md part 8): with P the softmax of `scores` over their last
// axis, −Σ log P over `positive` / positives − Σ log(1 − P) over `negative` / negatives, differentiable by
// the scores. scores (n, k, voxels); masks bool of the same shape. A scale without positives or negatives
// adds 0.
at::Tensor scale_loss(const at::Tensor& scores, const at::Tensor& positive, const at::Tensor& negative,
                      double positives, double negatives);

}  // namespace medlsam::training
