#include "training/losses.hpp"

#include <algorithm>

namespace medlsam::training {
namespace {

using at::Tensor;

constexpr double kReach[] = {1500, 600, 600};  // r of algorithm.md part 2, mm in (z, y, x)
constexpr double kSharpness = 15;
constexpr double kNear = 3, kFar = 6;  // in voxels of the scale's step, mm for a step of 1

std::int64_t step_of(std::int64_t scale) {
  return std::int64_t{1} << (kLossScales - 1 - scale);
}

// Distances of every voxel's content from the points of its patch: (n, k, p, p, p).
Tensor distances(const Tensor& positions, const Tensor& points) {
  Tensor sum;
  for (std::int64_t axis = 0; axis < 3; ++axis) {
    const Tensor at = points.select(2, axis).unsqueeze(-1).unsqueeze(-1).unsqueeze(-1);
    const Tensor squared = (positions.select(1, axis).unsqueeze(1) - at).square_();
    sum = axis == 0 ? squared : sum.add_(squared);
  }
  return sum.sqrt_();
}

// Vectors of length 1 at the points, (n, k, c).
Tensor point_features(const Tensor& features, const Tensor& points, std::int64_t step) {
  const Tensor at = points.floor_divide(step);
  const Tensor index =
      (at.select(1, 0) * features.size(3) + at.select(1, 1)) * features.size(4) + at.select(1, 2);
  const Tensor found = features.flatten(2).index_select(2, index).transpose(1, 2);
  return found / at::linalg_vector_norm(found, 2, at::IntArrayRef{-1}, true).clamp_min(1e-12);
}

}  // namespace

Tensor predicted_offset(const Tensor& first, const Tensor& second) {
  const Tensor reach = at::tensor(at::ArrayRef<double>(kReach), first.options());
  return reach * at::tanh(first - second);
}

Tensor uam_error(const Tensor& first, const Tensor& second, const Tensor& offsets) {
  return (predicted_offset(first, second) - offsets).square().sum();
}

MssTargets mss_targets(const Tensor& positions, const Tensor& point_positions) {
  const Tensor whole = distances(positions, point_positions);
  MssTargets targets;
  for (std::int64_t scale = 0; scale < kLossScales; ++scale) {
    const std::int64_t step = step_of(scale);
    const auto d = static_cast<double>(step);
    const Tensor distance =
        step == 1 ? whole
                  : at::upsample_trilinear3d(
                        whole, {whole.size(2) / step, whole.size(3) / step, whole.size(4) / step}, false);
    const auto i = static_cast<std::size_t>(scale);
    targets.positive[i] = (distance <= kNear * d).flatten(2);
    targets.negative[i] = (distance >= kFar * d).flatten(2);
  }
  return targets;
}

void MssCounts::add(const MssTargets& targets) {
  for (std::size_t i = 0; i < kLossScales; ++i) {
    positive[i] += static_cast<double>(targets.positive[i].sum().item<std::int64_t>());
    negative[i] += static_cast<double>(targets.negative[i].sum().item<std::int64_t>());
  }
}

Tensor mss_loss(const std::array<Tensor, kLossScales>& augmented,
                const std::array<Tensor, kLossScales>& clean, const Tensor& points, const MssTargets& targets,
                const MssCounts& counts) {
  Tensor total = at::zeros({}, clean[0].options());
  for (std::size_t i = 0; i < kLossScales; ++i) {
    const Tensor vectors = point_features(clean[i], points, step_of(static_cast<std::int64_t>(i)));
    const Tensor features = augmented[i].flatten(2);
    // The cosine without a normalized copy of the features.
    const Tensor length = at::linalg_vector_norm(features, 2, at::IntArrayRef{1}, true).clamp_min(1e-12);
    const Tensor log_p = at::log_softmax(at::bmm(vectors, features) / length * kSharpness, 2);
    // A probability that rounds to 1 has no finite log(1 − P); the largest below 1 stands for it.
    const Tensor log_rest = at::log1p(-log_p.exp().clamp_max(1 - 0x1p-24));
    // Where a batch has no positive, the sum is 0 and so is its share.
    total = total - (log_p * targets.positive[i]).sum() / std::max(1.0, counts.positive[i]) -
            (log_rest * targets.negative[i]).sum() / std::max(1.0, counts.negative[i]);
  }
  return total / static_cast<double>(kLossScales * points.size(0));
}

}  // namespace medlsam::training
