// The two losses of MedLAM's self-supervised training (algorithm.md part 8), over ATen tensors, with
// gradients. n scans, k points, scales i = 0, 1, 2 with step d = 4, 2, 1.
#pragma once

#include <ATen/ATen.h>

#include <array>

namespace medlsam::training {

inline constexpr std::int64_t kLossScales = 3;

// r·tanh(p_0 − p_1): the offset in mm, (n, 3), predicted by the positions (n, 3) of two patches.
at::Tensor predicted_offset(const at::Tensor& first, const at::Tensor& second);

// Sum, not mean, of the squared errors in mm²; divide by 3·(scans of the batch).
at::Tensor uam_error(const at::Tensor& first, const at::Tensor& second, const at::Tensor& offsets);

// Masks of the positions of an augmented patch that lie near each point of the clean one, and of those that
// lie far.
struct MssTargets {
  std::array<at::Tensor, kLossScales> positive, negative;  // bool (n, k, voxels of the scale)

  MssTargets of(std::int64_t begin, std::int64_t end) const;  // the scans [begin, end)
};

// positions (n, 3, p, p, p) and point_positions (n, k, 3) in mm; on their device.
MssTargets mss_targets(const at::Tensor& positions, const at::Tensor& point_positions);

// Numbers of positives and negatives that a whole batch has on each scale: they divide the sums, so the loss
// of a part of a batch needs them.
struct MssCounts {
  std::array<double, kLossScales> positive{}, negative{};

  void add(const MssTargets& targets);
};

// One patch of each scan. Features (n, c, p/d, p/d, p/d) of augmented and clean patches; points (k, 3),
// voxels of the clean patch. The sum over the scales, divided by 3·k; both patches of a pair have to be
// added.
at::Tensor mss_loss(const std::array<at::Tensor, kLossScales>& augmented,
                    const std::array<at::Tensor, kLossScales>& clean, const at::Tensor& points,
                    const MssTargets& targets, const MssCounts& counts);

}  // namespace medlsam::training
