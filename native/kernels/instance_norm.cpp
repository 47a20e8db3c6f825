#include "kernels/instance_norm.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/simd.hpp"

namespace medlsam {
namespace {

constexpr std::int64_t kLanes = 32;    // independent sums, so that the compiler may use vectors
constexpr std::int64_t kBlock = 4096;  // values summed in float before they join a double

// Σ (x − shift), or of its squares.
template <bool kSquares>
MEDLSAM_INLINE double sum(const float* x, std::int64_t count, float shift) {
  double total = 0;
  for (std::int64_t begin = 0; begin < count; begin += kBlock) {
    const std::int64_t end = std::min(count, begin + kBlock);
    float lanes[kLanes] = {};
    std::int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes) {
      for (std::int64_t j = 0; j < kLanes; ++j) {
        const float value = x[i + j] - shift;
        lanes[j] += kSquares ? value * value : value;
      }
    }
    for (; i < end; ++i) lanes[0] += kSquares ? (x[i] - shift) * (x[i] - shift) : x[i] - shift;
    for (const float lane : lanes) total += static_cast<double>(lane);
  }
  return total;
}

MEDLSAM_INLINE void normalize_channel(const float* x, float* out, std::int64_t count, float epsilon) {
  const auto n = static_cast<double>(count);
  const auto mean = static_cast<float>(sum<false>(x, count, 0.0f) / n);
  const double variance = sum<true>(x, count, mean) / n;
  const auto scale = static_cast<float>(1 / std::sqrt(variance + static_cast<double>(epsilon)));
  for (std::int64_t i = 0; i < count; ++i) {
    const float value = (x[i] - mean) * scale;
    out[i] = value > 0 ? value : 0;
  }
}

}  // namespace

void instance_norm_relu(const float* x, float* out, std::int64_t count, float epsilon) {
  run_simd<normalize_channel>(x, out, count, epsilon);
}

namespace channels_last {
namespace {

// Channels are few: loops run over several voxels at once, this many values.
constexpr std::int64_t kLoop = 64;

// Voxels of a loop. They divide most blocks; the rest of a patch's last one is done one by one.
std::int64_t voxels_at_once(std::int64_t channels) {
  return std::max<std::int64_t>(1, kLoop / channels);
}

// The channels' values, repeated for all voxels of a loop.
std::vector<float> repeat(const float* row, std::int64_t channels) {
  std::vector<float> repeated;
  for (std::int64_t i = 0; i < voxels_at_once(channels); ++i)
    repeated.insert(repeated.end(), row, row + channels);
  return repeated;
}

// Folds the sums of a loop's voxels into those of one.
void fold(const std::vector<float>& sums, std::int64_t channels, float* out) {
  std::fill_n(out, channels, 0.0f);
  for (std::size_t i = 0; i < sums.size(); ++i) out[static_cast<std::int64_t>(i) % channels] += sums[i];
}

MEDLSAM_INLINE void moment_loops(const float* __restrict x, const float* __restrict shift, std::int64_t count,
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

MEDLSAM_INLINE void normalizing_loops(const float* __restrict x, const float* __restrict mean,
                                      const float* __restrict scale, std::int64_t count, std::int64_t loop,
                                      float* __restrict y) {
  for (std::int64_t begin = 0; begin < count; begin += loop) {
    const std::int64_t some = std::min(loop, count - begin);
    for (std::int64_t i = 0; i < some; ++i)
      y[begin + i] = std::max((x[begin + i] - mean[i]) * scale[i], 0.0f);
  }
}

MEDLSAM_INLINE void gradient_loops(const float* __restrict x, const float* __restrict gradient,
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

MEDLSAM_INLINE void backward_loops(const float* __restrict x, const float* __restrict gradient,
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

}  // namespace

void sum_moments(const float* x, const float* shift, std::int64_t voxels, std::int64_t channels, float* sum,
                 float* squares) {
  const std::vector<float> shifts = repeat(shift, channels);
  std::vector<float> sums(shifts.size()), of_squares(shifts.size());
  run_simd<moment_loops>(x, shifts.data(), voxels * channels, static_cast<std::int64_t>(shifts.size()),
                         sums.data(), of_squares.data());
  fold(sums, channels, sum);
  fold(of_squares, channels, squares);
}

void normalize(const float* x, const float* mean, const float* scale, std::int64_t voxels,
               std::int64_t channels, float* y) {
  const std::vector<float> means = repeat(mean, channels), scales = repeat(scale, channels);
  run_simd<normalizing_loops>(x, means.data(), scales.data(), voxels * channels,
                              static_cast<std::int64_t>(means.size()), y);
}

void sum_gradients(const float* x, const float* gradient, const float* mean, const float* scale,
                   std::int64_t voxels, std::int64_t channels, float* sum, float* products) {
  const std::vector<float> means = repeat(mean, channels), scales = repeat(scale, channels);
  std::vector<float> sums(means.size()), of_products(means.size());
  run_simd<gradient_loops>(x, gradient, means.data(), scales.data(), voxels * channels,
                           static_cast<std::int64_t>(means.size()), sums.data(), of_products.data());
  fold(sums, channels, sum);
  fold(of_products, channels, products);
}

void backpropagate(const float* x, const float* gradient, const float* mean, const float* scale,
                   const float* mean_g, const float* mean_gh, std::int64_t voxels, std::int64_t channels,
                   float* out) {
  const std::vector<float> means = repeat(mean, channels), scales = repeat(scale, channels);
  const std::vector<float> means_g = repeat(mean_g, channels), means_gh = repeat(mean_gh, channels);
  run_simd<backward_loops>(x, gradient, means.data(), scales.data(), means_g.data(), means_gh.data(),
                           voxels * channels, static_cast<std::int64_t>(means.size()), out);
}

}  // namespace channels_last
}  // namespace medlsam
