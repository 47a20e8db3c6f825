#include "torch/training/medlam_losses.hpp"

#include <ATen/Parallel.h>

#include <cmath>
#include <vector>

#include "base/simd.hpp"
#include "networks/medlam_weights.hpp"
#include "torch/training/scale_loss.hpp"
#include "torch/training/unit_features.hpp"

namespace medlsam::training {
namespace {

using at::Tensor;

constexpr double kSharpness = 15;
constexpr double kNear = 3, kFar = 6;  // in voxels of the scale's step, mm for a step of 1

std::int64_t step_of(std::int64_t scale) {
  return std::int64_t{1} << (kLossScales - 1 - scale);
}

// Distances of every voxel's content from a point, p³ values.
MEDLSAM_INLINE void distances_from(const float* __restrict z, const float* __restrict y,
                                   const float* __restrict x, const float* __restrict point,
                                   std::int64_t count, float* __restrict out) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float a = z[i] - point[0], b = y[i] - point[1], c = x[i] - point[2];
    out[i] = std::sqrt(a * a + b * b + c * c);
  }
}

// Trilinear to a step-th of the extent: the mean of the eight voxels around a coarse voxel's center.
void coarse_distances(const std::vector<float>& whole, std::int64_t edge, std::int64_t step,
                      std::vector<float>& out) {
  const std::int64_t first = step / 2 - 1;
  out.clear();
  for (std::int64_t z = first; z < edge; z += step) {
    for (std::int64_t y = first; y < edge; y += step) {
      const auto row = [&](std::int64_t dz, std::int64_t dy) {
        return whole.data() + ((z + dz) * edge + y + dy) * edge;
      };
      const float *a = row(0, 0), *b = row(0, 1), *c = row(1, 0), *d = row(1, 1);
      for (std::int64_t x = first; x < edge; x += step) {
        out.push_back(0.125f * (a[x] + a[x + 1] + b[x] + b[x + 1] + c[x] + c[x + 1] + d[x] + d[x + 1]));
      }
    }
  }
}

// Vectors of length 1 at the points, (n, k, c).
Tensor point_features(const Tensor& features, const Tensor& points, std::int64_t step) {
  const Tensor at = points.floor_divide(step);
  // Points may share a voxel: unlike index_select, this is the same on every run on a GPU as well. Voxels
  // before channels, as they lie in memory on the CPU: else the gradient would be turned around twice.
  const Tensor found = features.permute({0, 2, 3, 4, 1})
                           .index({at::indexing::Slice(), at.select(1, 0), at.select(1, 1), at.select(1, 2)});
  return found / at::linalg_vector_norm(found, 2, at::IntArrayRef{-1}, true).clamp_min(1e-12);
}

// As mss_targets does on the CPU, of one scan after another: the distances of all take gigabytes.
MssTargets device_targets(const Tensor& positions, const Tensor& point_positions) {
  const std::int64_t scans = positions.size(0), edge = positions.size(4);
  std::array<std::vector<Tensor>, kLossScales> positive, negative;
  for (std::int64_t scan = 0; scan < scans; ++scan) {
    const Tensor offsets = positions[scan].unsqueeze(0) - point_positions[scan].reshape({-1, 3, 1, 1, 1});
    const Tensor whole = at::linalg_vector_norm(offsets, 2, at::IntArrayRef{1}, true);  // (k, 1, p, p, p)
    for (std::size_t i = 0; i < kLossScales; ++i) {
      const std::int64_t step = step_of(static_cast<std::int64_t>(i)), size = edge / step;
      const Tensor distances = step > 1 ? at::upsample_trilinear3d(whole, {size, size, size}, false) : whole;
      positive[i].push_back(distances.flatten(1) <= kNear * static_cast<double>(step));
      negative[i].push_back(distances.flatten(1) >= kFar * static_cast<double>(step));
    }
  }
  MssTargets targets;
  for (std::size_t i = 0; i < kLossScales; ++i) {
    targets.positive[i] = at::stack(positive[i]);
    targets.negative[i] = at::stack(negative[i]);
  }
  return targets;
}

}  // namespace

Tensor predicted_offset(const Tensor& first, const Tensor& second) {
  const Tensor reach = at::tensor(at::ArrayRef<double>(kReach), first.options());
  return reach * at::tanh(first - second);
}

Tensor uam_error(const Tensor& first, const Tensor& second, const Tensor& offsets) {
  return (predicted_offset(first, second) - offsets).square().sum();
}

MssTargets MssTargets::of(std::int64_t begin, std::int64_t end) const {
  MssTargets part;
  for (std::size_t i = 0; i < kLossScales; ++i) {
    part.positive[i] = positive[i].slice(0, begin, end);
    part.negative[i] = negative[i].slice(0, begin, end);
  }
  return part;
}

MssTargets mss_targets(const Tensor& positions, const Tensor& point_positions) {
  if (!positions.is_cpu()) return device_targets(positions, point_positions);
  const std::int64_t scans = positions.size(0), points = point_positions.size(1), edge = positions.size(4);
  const std::int64_t count = edge * edge * edge;
  const Tensor maps = positions.to(at::kFloat).contiguous();
  const Tensor places = point_positions.to(at::kFloat).contiguous();
  MssTargets targets;
  for (std::size_t i = 0; i < kLossScales; ++i) {
    const std::int64_t step = step_of(static_cast<std::int64_t>(i));
    targets.positive[i] = at::empty({scans, points, count / (step * step * step)}, at::kBool);
    targets.negative[i] = at::empty_like(targets.positive[i]);
  }
  at::parallel_for(0, scans * points, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> whole(static_cast<std::size_t>(count)), coarse;
    for (std::int64_t row = begin; row < end; ++row) {
      const float* map = maps.const_data_ptr<float>() + row / points * 3 * count;
      run_simd<distances_from>(map, map + count, map + 2 * count, places.const_data_ptr<float>() + 3 * row,
                               count, whole.data());
      for (std::size_t i = 0; i < kLossScales; ++i) {
        const std::int64_t step = step_of(static_cast<std::int64_t>(i));
        if (step > 1) coarse_distances(whole, edge, step, coarse);
        const std::vector<float>& distances = step > 1 ? coarse : whole;
        const auto near = static_cast<float>(kNear * static_cast<double>(step)),
                   far = static_cast<float>(kFar * static_cast<double>(step));
        const auto first = row * static_cast<std::int64_t>(distances.size());
        bool* positive = targets.positive[i].mutable_data_ptr<bool>() + first;
        bool* negative = targets.negative[i].mutable_data_ptr<bool>() + first;
        for (std::size_t j = 0; j < distances.size(); ++j) {
          positive[j] = distances[j] <= near;
          negative[j] = distances[j] >= far;
        }
      }
    }
  });
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
    const Tensor scores = at::bmm(vectors * kSharpness, unit_features(augmented[i]).transpose(1, 2));
    total = total + scale_loss(scores, targets.positive[i], targets.negative[i], counts.positive[i],
                               counts.negative[i]);
  }
  return total / static_cast<double>(kLossScales * points.size(0));
}

}  // namespace medlsam::training
