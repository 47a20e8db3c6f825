#include <algorithm>
#include <array>
#include <vector>

#include "kernels/convolution/row_products.hpp"
#include "kernels/convolution/tile_transforms.hpp"
#include "kernels/convolution/winograd.hpp"

namespace medlsam::convolution {
namespace {

constexpr std::int64_t kTaps = 27;

// Rows of three, by which three weights along an axis become the products of a tile.
using Transform = std::vector<std::array<double, 3>>;

Transform transform_for(std::span<const double> points) {
  Transform rows;
  for (const double point : points) {
    double denominator = 1;
    for (const double other : points) denominator *= other == point ? 1 : point - other;
    rows.push_back({1 / denominator, point / denominator, point * point / denominator});
  }
  rows.push_back({0, 0, 1});  // ∞
  return rows;
}

// 3³ weights to a tile's products, axes z, y, x.
void transform_kernel(const float* kernel, const Transform& rows, double* products) {
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

}  // namespace

WinogradWeights::WinogradWeights(const float* weights, std::int64_t out, std::int64_t in, int tile)
    : tile_(tile), out_(out), in_(in) {
  const Transform rows = tile == 4 ? transform_for(kPointsOfFour) : transform_for(kPointsOfTwo);
  const std::int64_t lanes = block_lanes(), blocks = (out + lanes - 1) / lanes;
  step_ = in * blocks * lanes;
  packed_ = AlignedFloats::zeros(static_cast<std::size_t>(products() * step_));
  std::vector<double> transformed(static_cast<std::size_t>(products()));
  std::int64_t vectors = 0;
  for (std::int64_t first = 0; first < blocks; first += vectors) {
    vectors = panel_vectors(blocks - first);
    float* const panel = packed_.data() + first * lanes * in;
    const std::int64_t width = vectors * lanes, end = std::min(out, first * lanes + width);
    for (std::int64_t o = first * lanes; o < end; ++o) {
      for (std::int64_t i = 0; i < in; ++i) {
        transform_kernel(weights + (o * in + i) * kTaps, rows, transformed.data());
        float* place = panel + i * width + (o - first * lanes);
        for (const double value : transformed) {
          *place = static_cast<float>(value);
          place += step_;
        }
      }
    }
  }
}

}  // namespace medlsam::convolution
