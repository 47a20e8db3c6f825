#include "torch/aten/instance_norm.hpp"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "base/simd.hpp"

namespace medlsam::torch {
namespace {

using at::Tensor;

// Voxels whose sums are float32; what goes beyond is float64. Fixed, so that threads change no sum.
constexpr std::int64_t kBlock = 1024;
// Channels are few: loops run over several voxels at once.
constexpr std::int64_t kLoop = 64;

// (n, voxels, channels) in memory.
struct Extent {
  std::int64_t patches, voxels, channels;

  explicit Extent(const Tensor& x)
      : patches(x.size(0)), voxels(x.size(2) * x.size(3) * x.size(4)), channels(x.size(1)) {}
  std::int64_t blocks() const { return (voxels + kBlock - 1) / kBlock; }
  // Voxels of a loop: a divisor of every block, the last perhaps not, whose rest is then done one by one.
  std::int64_t voxels_at_once() const { return std::max<std::int64_t>(1, kLoop / channels); }
};

// Calls body(patch, block, first voxel, voxels) for all blocks.
template <class Body>
void for_blocks(const Extent& extent, const Body& body) {
  const std::int64_t blocks = extent.blocks();
  at::parallel_for(0, extent.patches * blocks, 4, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t first = i % blocks * kBlock;
      body(i / blocks, i % blocks, first, std::min(kBlock, extent.voxels - first));
    }
  });
}

// Two sums for each channel of each patch, of the blocks' sums: (n, 2, c) from (n, blocks, 2, c).
std::vector<double> add_blocks(const Extent& extent, const std::vector<float>& sums) {
  const std::int64_t row = 2 * extent.channels;
  std::vector<double> totals(static_cast<std::size_t>(extent.patches * row));
  for (std::int64_t n = 0; n < extent.patches; ++n) {
    for (std::int64_t b = 0; b < extent.blocks(); ++b) {
      for (std::int64_t i = 0; i < row; ++i)
        totals[n * row + i] += static_cast<double>(sums[(n * extent.blocks() + b) * row + i]);
    }
  }
  return totals;
}

// The row of a patch, repeated for all voxels of a loop.
std::vector<float> repeat(const float* row, std::int64_t channels, std::int64_t times) {
  std::vector<float> repeated;
  for (std::int64_t i = 0; i < times; ++i) repeated.insert(repeated.end(), row, row + channels);
  return repeated;
}

// Folds the sums of a loop's voxels into those of one.
void fold(const std::vector<float>& sums, std::int64_t channels, float* out) {
  std::fill_n(out, channels, 0.0f);
  for (std::size_t i = 0; i < sums.size(); ++i) out[static_cast<std::int64_t>(i) % channels] += sums[i];
}

// Σ(x − shift) and Σ(x − shift)².
MEDLSAM_SIMD void sum_moments(const float* __restrict x, const float* __restrict shift, std::int64_t count,
                              std::int64_t loop, float* __restrict sum, float* __restrict squares) {
  for (std::int64_t begin = 0; begin < count; begin += loop) {
    const std::int64_t some = std::min(loop, count - begin);
    for (std::int64_t i = 0; i < some; ++i) {
      const float d = x[begin + i] - shift[i];
      sum[i] += d;
      squares[i] += d * d;
    }
  }
}

MEDLSAM_SIMD void normalize(const float* __restrict x, const float* __restrict mean,
                            const float* __restrict scale, std::int64_t count, std::int64_t loop,
                            float* __restrict y) {
  for (std::int64_t begin = 0; begin < count; begin += loop) {
    const std::int64_t some = std::min(loop, count - begin);
    for (std::int64_t i = 0; i < some; ++i)
      y[begin + i] = std::max((x[begin + i] - mean[i]) * scale[i], 0.0f);
  }
}

// With h the normalized x and g the gradient where h > 0, else 0: Σg and Σg·h.
MEDLSAM_SIMD void sum_gradients(const float* __restrict x, const float* __restrict gradient,
                                const float* __restrict mean, const float* __restrict scale,
                                std::int64_t count, std::int64_t loop, float* __restrict sum,
                                float* __restrict products) {
  for (std::int64_t begin = 0; begin < count; begin += loop) {
    const std::int64_t some = std::min(loop, count - begin);
    for (std::int64_t i = 0; i < some; ++i) {
      const float h = (x[begin + i] - mean[i]) * scale[i];
      const float g = h > 0 ? gradient[begin + i] : 0;
      sum[i] += g;
      products[i] += g * h;
    }
  }
}

// scale·(g − mean of g − h·mean of g·h)
MEDLSAM_SIMD void backpropagate(const float* __restrict x, const float* __restrict gradient,
                                const float* __restrict mean, const float* __restrict scale,
                                const float* __restrict mean_g, const float* __restrict mean_gh,
                                std::int64_t count, std::int64_t loop, float* __restrict out) {
  for (std::int64_t begin = 0; begin < count; begin += loop) {
    const std::int64_t some = std::min(loop, count - begin);
    for (std::int64_t i = 0; i < some; ++i) {
      const float h = (x[begin + i] - mean[i]) * scale[i];
      const float g = h > 0 ? gradient[begin + i] : 0;
      out[begin + i] = scale[i] * (g - mean_g[i] - h * mean_gh[i]);
    }
  }
}

struct Normalized {
  Tensor y, mean, scale;  // mean and 1/deviation (n, c)
};

Normalized forward_channels_last(const Tensor& x, double epsilon) {
  const Extent extent(x);
  const std::int64_t channels = extent.channels, times = extent.voxels_at_once(), loop = times * channels;
  const float* in = x.const_data_ptr<float>();
  Normalized result = {at::empty_like(x), at::empty({extent.patches, channels}, x.options()), {}};
  result.scale = at::empty_like(result.mean);

  // Sums of differences from the first voxel: where all voxels are equal the variance is then 0.
  std::vector<float> sums(static_cast<std::size_t>(extent.patches * extent.blocks() * 2 * channels));
  for_blocks(extent, [&](std::int64_t n, std::int64_t block, std::int64_t first, std::int64_t voxels) {
    const float* patch = in + n * extent.voxels * channels;
    const std::vector<float> shift = repeat(patch, channels, times);
    std::vector<float> sum(static_cast<std::size_t>(loop)), squares(static_cast<std::size_t>(loop));
    sum_moments(patch + first * channels, shift.data(), voxels * channels, loop, sum.data(), squares.data());
    float* out = &sums[static_cast<std::size_t>((n * extent.blocks() + block) * 2 * channels)];
    fold(sum, channels, out);
    fold(squares, channels, out + channels);
  });
  const std::vector<double> totals = add_blocks(extent, sums);
  for (std::int64_t n = 0; n < extent.patches; ++n) {
    for (std::int64_t c = 0; c < channels; ++c) {
      const auto count = static_cast<double>(extent.voxels);
      const double shifted = totals[(2 * n) * channels + c] / count;
      const double variance = std::max(0.0, totals[(2 * n + 1) * channels + c] / count - shifted * shifted);
      result.mean.mutable_data_ptr<float>()[n * channels + c] =
          static_cast<float>(static_cast<double>(in[n * extent.voxels * channels + c]) + shifted);
      result.scale.mutable_data_ptr<float>()[n * channels + c] =
          static_cast<float>(1 / std::sqrt(variance + epsilon));
    }
  }

  float* out = result.y.mutable_data_ptr<float>();
  for_blocks(extent, [&](std::int64_t n, std::int64_t, std::int64_t first, std::int64_t voxels) {
    const auto mean = repeat(result.mean.const_data_ptr<float>() + n * channels, channels, times);
    const auto scale = repeat(result.scale.const_data_ptr<float>() + n * channels, channels, times);
    const std::int64_t begin = (n * extent.voxels + first) * channels;
    normalize(in + begin, mean.data(), scale.data(), voxels * channels, loop, out + begin);
  });
  return result;
}

Tensor backward_channels_last(const Tensor& x, const Tensor& gradient, const Tensor& mean,
                              const Tensor& scale) {
  const Extent extent(x);
  const std::int64_t channels = extent.channels, times = extent.voxels_at_once(), loop = times * channels;
  const float *in = x.const_data_ptr<float>(), *g = gradient.const_data_ptr<float>();
  const auto row = [&](const Tensor& of, std::int64_t n) {
    return repeat(of.const_data_ptr<float>() + n * channels, channels, times);
  };

  std::vector<float> sums(static_cast<std::size_t>(extent.patches * extent.blocks() * 2 * channels));
  for_blocks(extent, [&](std::int64_t n, std::int64_t block, std::int64_t first, std::int64_t voxels) {
    const auto means = row(mean, n), scales = row(scale, n);
    const std::int64_t begin = (n * extent.voxels + first) * channels;
    std::vector<float> sum(static_cast<std::size_t>(loop)), products(static_cast<std::size_t>(loop));
    sum_gradients(in + begin, g + begin, means.data(), scales.data(), voxels * channels, loop, sum.data(),
                  products.data());
    float* out = &sums[static_cast<std::size_t>((n * extent.blocks() + block) * 2 * channels)];
    fold(sum, channels, out);
    fold(products, channels, out + channels);
  });
  const std::vector<double> totals = add_blocks(extent, sums);
  std::vector<float> averages;
  for (const double total : totals)
    averages.push_back(static_cast<float>(total / static_cast<double>(extent.voxels)));

  Tensor result = at::empty_like(x);
  float* out = result.mutable_data_ptr<float>();
  for_blocks(extent, [&](std::int64_t n, std::int64_t, std::int64_t first, std::int64_t voxels) {
    const auto means = row(mean, n), scales = row(scale, n);
    const auto mean_g = repeat(&averages[static_cast<std::size_t>(2 * n * channels)], channels, times);
    const auto mean_gh = repeat(&averages[static_cast<std::size_t>((2 * n + 1) * channels)], channels, times);
    const std::int64_t begin = (n * extent.voxels + first) * channels;
    backpropagate(in + begin, g + begin, means.data(), scales.data(), mean_g.data(), mean_gh.data(),
                  voxels * channels, loop, out + begin);
  });
  return result;
}

struct InstanceNormRelu : ::torch::autograd::Function<InstanceNormRelu> {
  static Tensor forward(::torch::autograd::AutogradContext* context, const Tensor& x, double epsilon) {
    const Normalized result = forward_channels_last(x, epsilon);
    context->save_for_backward({x, result.mean, result.scale});
    return result.y;
  }
  static ::torch::autograd::variable_list backward(::torch::autograd::AutogradContext* context,
                                                   const ::torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor gradient = gradients[0].contiguous(at::MemoryFormat::ChannelsLast3d);
    return {backward_channels_last(saved[0], gradient, saved[1], saved[2]), Tensor()};
  }
};

}  // namespace

Tensor instance_norm_relu(const Tensor& x, double epsilon) {
  if (!x.is_cpu() || x.scalar_type() != at::kFloat) {
    Tensor normal = at::instance_norm(x, {}, {}, {}, {}, true, 0, epsilon, false);
    return at::relu_(normal);
  }
  const Tensor last = x.contiguous(at::MemoryFormat::ChannelsLast3d);
  if (!at::GradMode::is_enabled() || !last.requires_grad()) return forward_channels_last(last, epsilon).y;
  return InstanceNormRelu::apply(last, epsilon);
}

}  // namespace medlsam::torch
