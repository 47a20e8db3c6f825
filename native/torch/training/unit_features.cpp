#include "torch/training/unit_features.hpp"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "base/simd.hpp"

namespace medlsam::training {
namespace {

using at::Tensor;

constexpr float kShortest = 1e-12f;

// (rows, channels) → rows of length 1, and 1/length of each.
MEDLSAM_INLINE void to_unit(const float* __restrict x, std::int64_t rows, std::int64_t channels,
                            float* __restrict unit, float* __restrict scale) {
  for (std::int64_t row = 0; row < rows; ++row, x += channels, unit += channels) {
    float squares = 0;
    for (std::int64_t c = 0; c < channels; ++c) squares += x[c] * x[c];
    scale[row] = 1 / std::max(std::sqrt(squares), kShortest);
    for (std::int64_t c = 0; c < channels; ++c) unit[c] = x[c] * scale[row];
  }
}

// scale·(g − unit·(unit·g))
MEDLSAM_INLINE void back_to_features(const float* __restrict unit, const float* __restrict scale,
                                     const float* __restrict g, std::int64_t rows, std::int64_t channels,
                                     float* __restrict out) {
  for (std::int64_t row = 0; row < rows; ++row, unit += channels, g += channels, out += channels) {
    float along = 0;
    for (std::int64_t c = 0; c < channels; ++c) along += unit[c] * g[c];
    for (std::int64_t c = 0; c < channels; ++c) out[c] = scale[row] * (g[c] - unit[c] * along);
  }
}

constexpr std::int64_t kGrain = 4096;  // rows of a thread at least

struct UnitFeatures : ::torch::autograd::Function<UnitFeatures> {
  // x (rows, channels), dense
  static Tensor forward(::torch::autograd::AutogradContext* context, const Tensor& x) {
    const std::int64_t channels = x.size(1);
    const Tensor unit = at::empty_like(x), scale = at::empty({x.size(0)}, x.options());
    const float* in = x.const_data_ptr<float>();
    float *out = unit.mutable_data_ptr<float>(), *scales = scale.mutable_data_ptr<float>();
    at::parallel_for(0, x.size(0), kGrain, [&](std::int64_t begin, std::int64_t end) {
      run_simd<to_unit>(in + begin * channels, end - begin, channels, out + begin * channels, scales + begin);
    });
    context->save_for_backward({unit, scale});
    return unit;
  }
  static ::torch::autograd::variable_list backward(::torch::autograd::AutogradContext* context,
                                                   const ::torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor g = gradients[0].contiguous(), result = at::empty_like(g);
    const std::int64_t channels = g.size(1);
    const float *unit = saved[0].const_data_ptr<float>(), *scale = saved[1].const_data_ptr<float>(),
                *from = g.const_data_ptr<float>();
    float* out = result.mutable_data_ptr<float>();
    at::parallel_for(0, g.size(0), kGrain, [&](std::int64_t begin, std::int64_t end) {
      const std::int64_t first = begin * channels;
      run_simd<back_to_features>(unit + first, scale + begin, from + first, end - begin, channels,
                                 out + first);
    });
    return {result};
  }
};

}  // namespace

Tensor unit_features(const Tensor& features) {
  const std::int64_t n = features.size(0), channels = features.size(1);
  const Tensor rows = features.permute({0, 2, 3, 4, 1}).reshape({-1, channels}).contiguous();
  if (rows.is_cpu() && rows.scalar_type() == at::kFloat)
    return UnitFeatures::apply(rows).reshape({n, -1, channels});
  const Tensor length = at::linalg_vector_norm(rows, 2, at::IntArrayRef{1}, true).clamp_min(kShortest);
  return (rows / length).reshape({n, -1, channels});
}

}  // namespace medlsam::training
