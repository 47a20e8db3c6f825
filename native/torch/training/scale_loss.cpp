#include "torch/training/scale_loss.hpp"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "base/simd.hpp"

namespace medlsam::training {
namespace {

using at::Tensor;

// A probability that rounds to 1 has no finite log(1 − P); the largest below 1 stands for it.
constexpr float kMost = 1 - 0x1p-24f;

// e^x for x ≤ 0, to 2 units of the last place, in a form that compilers vectorise: 2^(n + r) = 2^n · e^(r ln
// 2) with |r| ≤ ½, the latter by its Taylor series.
MEDLSAM_INLINE float exp_below_0(float x) {
  const float scaled = std::max(x * 1.44269504f, -126.0f);
  const float n = std::floor(scaled + 0.5f);
  const float r = (scaled - n) * 0.693147181f;
  float sum = 1 + r / 7;
  for (int k = 6; k >= 1; --k) sum = 1 + sum * r * (1 / static_cast<float>(k));
  union {
    std::int32_t bits;
    float value;
  } power;
  power.bits = (static_cast<std::int32_t>(n) + 127) << 23;
  return sum * power.value;
}

constexpr std::int64_t kLanes = 64;  // independent partial sums

MEDLSAM_INLINE float largest(const float* __restrict x, std::int64_t count) {
  float lanes[kLanes];
  std::fill_n(lanes, kLanes, x[0]);
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] = std::max(lanes[lane], x[i + lane]);
  }
  for (; i < count; ++i) lanes[0] = std::max(lanes[0], x[i]);
  return *std::max_element(lanes, lanes + kLanes);
}

// exp(x − most) into `out`; returns their sum.
MEDLSAM_INLINE double exponentials(const float* __restrict x, float most, std::int64_t count,
                                   float* __restrict out) {
  double total = 0;
  for (std::int64_t begin = 0; begin < count; begin += 4096) {
    const std::int64_t end = std::min(count, begin + 4096);
    float lanes[kLanes] = {};
    std::int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes) {
      for (std::int64_t lane = 0; lane < kLanes; ++lane) {
        const float value = exp_below_0(x[i + lane] - most);
        out[i + lane] = value;
        lanes[lane] += value;
      }
    }
    for (; i < end; ++i) {
      out[i] = exp_below_0(x[i] - most);
      lanes[0] += out[i];
    }
    for (const float lane : lanes) total += static_cast<double>(lane);
  }
  return total;
}

// The loss of one row, and its derivatives by the scores in place of the exponentials.
double row_loss(const float* scores, const bool* positive, const bool* negative, std::int64_t count,
                float positive_share, float negative_share, float* row) {
  const float most = run_simd<largest>(scores, count);
  const double sum = run_simd<exponentials>(scores, most, count, row);
  const auto scale = static_cast<float>(1 / sum);
  const double log_sum = std::log(sum) + static_cast<double>(most);

  // Derivatives by log P. Their sum, `together`, is taken from every score in proportion to its P.
  double loss = 0, together = 0;
  const auto derivative = [&](std::int64_t i, float p) {
    const float near = positive[i] ? -positive_share : 0;
    return negative[i] && p < kMost ? near + negative_share * p / (1 - p) : near;
  };
  for (std::int64_t i = 0; i < count; ++i) {
    const float p = std::min(row[i] * scale, kMost);
    if (positive[i]) loss -= (static_cast<double>(scores[i]) - log_sum) * static_cast<double>(positive_share);
    // log(1 − p) of the many that are nearly 0 by its series, to float32's last place.
    if (negative[i]) {
      loss +=
          static_cast<double>(negative_share) * (p < 1e-3f ? static_cast<double>(p * (1 + p * (0.5f + p / 3)))
                                                           : -std::log1p(-static_cast<double>(p)));
    }
    together += static_cast<double>(derivative(i, p));
  }
  const auto taken = static_cast<float>(together);
  for (std::int64_t i = 0; i < count; ++i) {
    const float p = std::min(row[i] * scale, kMost);
    row[i] = derivative(i, p) - p * taken;
  }
  return loss;
}

struct ScaleLoss : ::torch::autograd::Function<ScaleLoss> {
  static Tensor forward(::torch::autograd::AutogradContext* context, const Tensor& scores,
                        const Tensor& positive, const Tensor& negative, double positive_share,
                        double negative_share) {
    const std::int64_t count = scores.size(2), rows = scores.size(0) * scores.size(1);
    const Tensor derivatives = at::empty_like(scores);
    const float* in = scores.const_data_ptr<float>();
    const bool *near = positive.const_data_ptr<bool>(), *far = negative.const_data_ptr<bool>();
    float* out = derivatives.mutable_data_ptr<float>();
    std::vector<double> losses(static_cast<std::size_t>(rows));
    at::parallel_for(0, rows, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        const std::int64_t first = row * count;
        losses[static_cast<std::size_t>(row)] =
            row_loss(in + first, near + first, far + first, count, static_cast<float>(positive_share),
                     static_cast<float>(negative_share), out + first);
      }
    });
    double loss = 0;
    for (const double of_row : losses) loss += of_row;
    context->save_for_backward({derivatives});
    return at::full({}, loss, scores.options());
  }
  static ::torch::autograd::variable_list backward(::torch::autograd::AutogradContext* context,
                                                   const ::torch::autograd::variable_list& gradients) {
    return {context->get_saved_variables()[0] * gradients[0], {}, {}, {}, {}};
  }
};

}  // namespace

Tensor scale_loss(const Tensor& scores, const Tensor& positive, const Tensor& negative, double positives,
                  double negatives) {
  const double positive_share = 1 / std::max(1.0, positives), negative_share = 1 / std::max(1.0, negatives);
  if (scores.is_cpu() && scores.scalar_type() == at::kFloat) {
    return ScaleLoss::apply(scores.contiguous(), positive.contiguous(), negative.contiguous(), positive_share,
                            negative_share);
  }
  const Tensor log_p = at::log_softmax(scores, 2);
  const Tensor log_rest = at::log1p(-log_p.exp().clamp_max(static_cast<double>(kMost)));
  return -(log_p * positive).sum() * positive_share - (log_rest * negative).sum() * negative_share;
}

}  // namespace medlsam::training
