// Winograd's transform of three weights along an axis to the products of a tile, and back for their gradient.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "kernels/convolution/tile_transforms.hpp"

namespace medlsam::convolution {

inline constexpr int kTaps = 27;

// Rows of three: a product is that combination of the weights. The last is of the point ∞.
template <std::size_t kPoints>
constexpr std::array<std::array<double, 3>, kPoints + 1> weight_transform(const double (&points)[kPoints]) {
  std::array<std::array<double, 3>, kPoints + 1> rows{};
  for (std::size_t i = 0; i < kPoints; ++i) {
    double denominator = 1;
    for (const double other : points) denominator *= other == points[i] ? 1 : points[i] - other;
    rows[i] = {1 / denominator, points[i] / denominator, points[i] * points[i] / denominator};
  }
  rows[kPoints] = {0, 0, 1};
  return rows;
}

inline constexpr auto kWeightsOfFour = weight_transform(kPointsOfFour);
inline constexpr auto kWeightsOfTwo = weight_transform(kPointsOfTwo);

// A row's factor as a constant of a tile's transform.
template <int kOutputs>
constexpr float weight_factor(int product, int weight) {
  if constexpr (kOutputs == 4) {
    return static_cast<float>(
        kWeightsOfFour[static_cast<std::size_t>(product)][static_cast<std::size_t>(weight)]);
  } else {
    return static_cast<float>(
        kWeightsOfTwo[static_cast<std::size_t>(product)][static_cast<std::size_t>(weight)]);
  }
}

}  // namespace medlsam::convolution
