#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "base/parallel.hpp"
#include "base/simd.hpp"
#include "kernels/convolution/row_products.hpp"
#include "kernels/convolution/weight_transforms.hpp"
#include "kernels/convolution/winograd.hpp"

namespace medlsam::convolution {
namespace {

// Rows of three, by which three weights along an axis become the products of a tile.
using Transform = std::span<const std::array<double, 3>>;

// 3³ weights to a tile's products, axes z, y, x.
void transform_kernel(const float* kernel, Transform rows, double* products) {
  double plane[9], weights[kTaps];
  std::copy_n(kernel, kTaps, weights);
  for (const auto& z : rows) {
    for (std::size_t i = 0; i < 9; ++i)
      plane[i] = z[0] * weights[i] + z[1] * weights[9 + i] + z[2] * weights[18 + i];
    for (const auto& y : rows) {
      double line[3];
      for (std::size_t i = 0; i < 3; ++i)
        line[i] = y[0] * plane[i] + y[1] * plane[3 + i] + y[2] * plane[6 + i];
      for (const auto& x : rows) *products++ = x[0] * line[0] + x[1] * line[1] + x[2] * line[2];
    }
  }
}

// The same in single precision for kLanes kernels at once. `products`: their steps apart.
template <int kLanes, int kOutputs>
MEDLSAM_INLINE void transform_kernels(const Vector<kLanes> (&kernels)[kTaps], float* products,
                                      std::int64_t step) {
  constexpr int kInputs = Tile<kOutputs>::kInputs;
  unrolled<kInputs>([&](auto z) __attribute__((always_inline)) {
    Vector<kLanes> plane[9];
    unrolled<9>([&](auto i) __attribute__((always_inline)) {
      plane[i] = weight_factor<kOutputs>(z, 0) * kernels[i] + weight_factor<kOutputs>(z, 1) * kernels[9 + i] +
                 weight_factor<kOutputs>(z, 2) * kernels[18 + i];
    });
    unrolled<kInputs>([&](auto y) __attribute__((always_inline)) {
      Vector<kLanes> line[3];
      unrolled<3>([&](auto i) __attribute__((always_inline)) {
        line[i] = weight_factor<kOutputs>(y, 0) * plane[i] + weight_factor<kOutputs>(y, 1) * plane[3 + i] +
                  weight_factor<kOutputs>(y, 2) * plane[6 + i];
      });
      unrolled<kInputs>([&](auto x) __attribute__((always_inline)) {
        const Vector<kLanes> product = weight_factor<kOutputs>(x, 0) * line[0] +
                                       weight_factor<kOutputs>(x, 1) * line[1] +
                                       weight_factor<kOutputs>(x, 2) * line[2];
        store<kLanes>(product, products + ((z * kInputs + y) * kInputs + x) * step);
      });
    });
  });
}

// The weights of up to kLanes outputs from one input, `count` of them.
template <int kLanes>
MEDLSAM_INLINE void load_kernels(const float* weights, std::int64_t count, std::int64_t step,
                                 Vector<kLanes> (&kernels)[kTaps]) {
  float gathered[kTaps][kLanes] = {};
  for (std::int64_t o = 0; o < count; ++o) {
    for (int tap = 0; tap < kTaps; ++tap) gathered[tap][o] = weights[o * step + tap];
  }
  for (int tap = 0; tap < kTaps; ++tap) load<kLanes>(kernels[tap], gathered[tap]);
}

}  // namespace

WinogradWeights::WinogradWeights(int tile, std::int64_t out, std::int64_t in)
    : tile_(tile), out_(out), in_(in), lanes_(block_lanes()), blocks_((out + lanes_ - 1) / lanes_) {
  step_ = in * blocks_ * lanes_;
}

WinogradWeights::WinogradWeights(const float* weights, std::int64_t out, std::int64_t in, int tile)
    : WinogradWeights(tile, out, in) {
  const Transform rows = tile == 4 ? Transform(kWeightsOfFour) : Transform(kWeightsOfTwo);
  packed_ = AlignedFloats::zeros(static_cast<std::size_t>(products() * step_));
  std::vector<double> transformed(static_cast<std::size_t>(products()));
  std::int64_t vectors = 0;
  for (std::int64_t first = 0; first < blocks_; first += vectors) {
    vectors = panel_vectors(blocks_ - first);
    float* const panel = packed_.data() + first * lanes_ * in;
    const std::int64_t width = vectors * lanes_, end = std::min(out, first * lanes_ + width);
    for (std::int64_t o = first * lanes_; o < end; ++o) {
      for (std::int64_t i = 0; i < in; ++i) {
        transform_kernel(weights + (o * in + i) * kTaps, rows, transformed.data());
        float* place = panel + i * width + (o - first * lanes_);
        for (const double value : transformed) {
          *place = static_cast<float>(value);
          place += step_;
        }
      }
    }
  }
}

WinogradWeights WinogradWeights::of_a_step(const float* weights, std::int64_t out, std::int64_t in, int tile,
                                           float* memory, const Task& task) {
  WinogradWeights packed(tile, out, in);
  packed.borrowed_ = memory;
  struct Place {
    std::int64_t panel, width, block;  // floats before the panel, its channels, the block among all
    std::int64_t within;               // the block's first channel in the panel
  };
  std::vector<Place> places;
  for (std::int64_t first = 0, vectors = 0; first < packed.blocks_; first += vectors) {
    vectors = panel_vectors(packed.blocks_ - first);
    for (std::int64_t v = 0; v < vectors; ++v)
      places.push_back({first * packed.lanes_ * in, vectors * packed.lanes_, first + v, v * packed.lanes_});
  }
  constexpr std::int64_t kAtOnce = 16;  // inputs of an item
  const std::int64_t parts = (in + kAtOnce - 1) / kAtOnce;
  parallel_for(task, places.size() * static_cast<std::size_t>(parts), [&](std::size_t item, std::size_t) {
    const Place& place = places[item / static_cast<std::size_t>(parts)];
    const std::int64_t begin = static_cast<std::int64_t>(item % static_cast<std::size_t>(parts)) * kAtOnce;
    const std::int64_t o = place.block * packed.lanes_, count = std::min(packed.lanes_, out - o);
    run_simd([&](auto lanes) __attribute__((always_inline)) {
      for (std::int64_t i = begin; i < std::min(begin + kAtOnce, in); ++i) {
        Vector<lanes> kernels[kTaps];
        load_kernels<lanes>(weights + (o * in + i) * kTaps, count, in * kTaps, kernels);
        float* const to = memory + place.panel + i * place.width + place.within;
        if (tile == 4)
          transform_kernels<lanes, 4>(kernels, to, packed.step_);
        else
          transform_kernels<lanes, 2>(kernels, to, packed.step_);
      }
    });
  });
  return packed;
}

std::size_t WinogradWeights::floats(std::int64_t out, std::int64_t in, int tile) {
  const WinogradWeights none(tile, out, in);
  return static_cast<std::size_t>(none.products() * none.step_);
}

}  // namespace medlsam::convolution
