#include "torch/aten/instance_norm.hpp"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/instance_norm.hpp"

namespace medlsam::torch {
namespace {

using at::Tensor;

// Voxels of a block, which is summed in float32; sums of blocks are float64. Fixed, so that the number of
// threads changes no sum.
constexpr std::int64_t kBlock = 1024;

// (n, voxels, channels) in memory.
struct Extent {
  std::int64_t patches, voxels, channels;

  explicit Extent(const Tensor& x)
      : patches(x.size(0)), voxels(x.size(2) * x.size(3) * x.size(4)), channels(x.size(1)) {}
  std::int64_t blocks() const { return (voxels + kBlock - 1) / kBlock; }
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

struct Normalized {
  Tensor y, mean, scale;  // mean and 1/deviation (n, c)
};

Normalized forward_channels_last(const Tensor& x, double epsilon) {
  const Extent extent(x);
  const std::int64_t channels = extent.channels;
  const float* in = x.const_data_ptr<float>();
  Normalized result = {at::empty_like(x), at::empty({extent.patches, channels}, x.options()), {}};
  result.scale = at::empty_like(result.mean);

  // Sums of differences from the first voxel: where all voxels are equal the variance is then 0.
  std::vector<float> sums(static_cast<std::size_t>(extent.patches * extent.blocks() * 2 * channels));
  for_blocks(extent, [&](std::int64_t n, std::int64_t block, std::int64_t first, std::int64_t voxels) {
    const float* patch = in + n * extent.voxels * channels;
    float* out = &sums[static_cast<std::size_t>((n * extent.blocks() + block) * 2 * channels)];
    channels_last::sum_moments(patch + first * channels, patch, voxels, channels, out, out + channels);
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
    const std::int64_t begin = (n * extent.voxels + first) * channels;
    channels_last::normalize(in + begin, result.mean.const_data_ptr<float>() + n * channels,
                             result.scale.const_data_ptr<float>() + n * channels, voxels, channels,
                             out + begin);
  });
  return result;
}

Tensor backward_channels_last(const Tensor& x, const Tensor& gradient, const Tensor& mean,
                              const Tensor& scale) {
  const Extent extent(x);
  const std::int64_t channels = extent.channels;
  const float *in = x.const_data_ptr<float>(), *g = gradient.const_data_ptr<float>();
  const auto row = [&](const Tensor& of, std::int64_t n) {
    return of.const_data_ptr<float>() + n * channels;
  };

  std::vector<float> sums(static_cast<std::size_t>(extent.patches * extent.blocks() * 2 * channels));
  for_blocks(extent, [&](std::int64_t n, std::int64_t block, std::int64_t first, std::int64_t voxels) {
    const std::int64_t begin = (n * extent.voxels + first) * channels;
    float* out = &sums[static_cast<std::size_t>((n * extent.blocks() + block) * 2 * channels)];
    channels_last::sum_gradients(in + begin, g + begin, row(mean, n), row(scale, n), voxels, channels, out,
                                 out + channels);
  });
  const std::vector<double> totals = add_blocks(extent, sums);
  std::vector<float> averages;
  for (const double total : totals)
    averages.push_back(static_cast<float>(total / static_cast<double>(extent.voxels)));

  Tensor result = at::empty_like(x);
  float* out = result.mutable_data_ptr<float>();
  for_blocks(extent, [&](std::int64_t n, std::int64_t, std::int64_t first, std::int64_t voxels) {
    const float* mean_g = &averages[static_cast<std::size_t>(2 * n * channels)];
    const std::int64_t begin = (n * extent.voxels + first) * channels;
    channels_last::backpropagate(in + begin, g + begin, row(mean, n), row(scale, n), mean_g,
                                 mean_g + channels, voxels, channels, out + begin);
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

Tensor instance_norm_relu_short(const Tensor& x, double epsilon) {
  const auto count = static_cast<double>(x.size(2) * x.size(3) * x.size(4));
  const Tensor mean = x.sum({2, 3, 4}, true, at::kFloat) / count;
  const Tensor squares = at::linalg_vector_norm(x, 2, {{2, 3, 4}}, true, at::kFloat).square_() / count;
  const Tensor scale = at::rsqrt((squares - mean.square()).clamp_min_(0).add_(epsilon));
  // In float32: where a channel hardly varies, as in air, its scale is 300 and would magnify what rounding of
  // the mean leaves.
  Tensor normal = at::addcmul(-mean * scale, x.to(at::kFloat), scale);
  return at::relu_(normal).to(x.scalar_type());
}

Tensor instance_norm_relu(const Tensor& x, double epsilon) {
  // On the CPU ATen's own normalizes 16 bits in 16 bits, which moved MedLAM's positions by up to 0.03.
  if (x.scalar_type() != at::kFloat && !at::GradMode::is_enabled())
    return instance_norm_relu_short(x, epsilon);
  if (!x.is_cpu() || x.scalar_type() != at::kFloat) {
    Tensor normal = at::instance_norm(x, {}, {}, {}, {}, true, 0, epsilon, false);
    return at::relu_(normal);
  }
  const Tensor last = x.contiguous(at::MemoryFormat::ChannelsLast3d);
  if (!at::GradMode::is_enabled() || !last.requires_grad()) return forward_channels_last(last, epsilon).y;
  return InstanceNormRelu::apply(last, epsilon);
}

}  // namespace medlsam::torch
