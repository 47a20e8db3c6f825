#include <algorithm>

#include "kernels/convolution/row_products.hpp"
#include "kernels/convolution/tile_transforms.hpp"
#include "kernels/convolution/winograd.hpp"

namespace medlsam::convolution {

void transform_weights(const double (&weights)[3], double (&out)[kTileInputs]) {
  constexpr double kPoints[] = {0, kNear, -kNear, kFar, -kFar};
  for (int i = 0; i < 5; ++i) {
    double denominator = 1;
    for (int j = 0; j < 5; ++j) denominator *= j == i ? 1 : kPoints[i] - kPoints[j];
    out[i] = (weights[0] + kPoints[i] * (weights[1] + kPoints[i] * weights[2])) / denominator;
  }
  out[5] = weights[2];
}

namespace {

// 3³ weights to the 6³ of a tile's products.
void transform_kernel(const float* kernel, double (&products)[kTileInputs][kTileInputs][kTileInputs]) {
  double z_done[kTileInputs][3][3], y_done[kTileInputs][kTileInputs][3], line[3], out[kTileInputs];
  for (int y = 0; y < 3; ++y) {
    for (int x = 0; x < 3; ++x) {
      for (int z = 0; z < 3; ++z) line[z] = static_cast<double>(kernel[(z * 3 + y) * 3 + x]);
      transform_weights(line, out);
      for (int z = 0; z < kTileInputs; ++z) z_done[z][y][x] = out[z];
    }
  }
  for (int z = 0; z < kTileInputs; ++z) {
    for (int x = 0; x < 3; ++x) {
      for (int y = 0; y < 3; ++y) line[y] = z_done[z][y][x];
      transform_weights(line, out);
      for (int y = 0; y < kTileInputs; ++y) y_done[z][y][x] = out[y];
    }
    for (int y = 0; y < kTileInputs; ++y) transform_weights(y_done[z][y], products[z][y]);
  }
}

}  // namespace

WinogradWeights::WinogradWeights(const float* weights, std::int64_t out, std::int64_t in)
    : out_(out), in_(in) {
  const std::int64_t lanes = block_lanes(), blocks = (out + lanes - 1) / lanes;
  step_ = in * blocks * lanes;
  packed_ = LargeFloats(static_cast<std::size_t>(kTileProducts * step_));
  double products[kTileInputs][kTileInputs][kTileInputs];
  std::int64_t vectors = 0;
  for (std::int64_t first = 0; first < blocks; first += vectors) {
    vectors = panel_vectors(blocks - first);
    float* const panel = packed_.data() + first * lanes * in;
    const std::int64_t width = vectors * lanes, end = std::min(out, first * lanes + width);
    for (std::int64_t o = first * lanes; o < end; ++o) {
      for (std::int64_t i = 0; i < in; ++i) {
        transform_kernel(weights + (o * in + i) * 27, products);
        float* const place = panel + i * width + (o - first * lanes);
        const double* const flat = &products[0][0][0];
        for (std::int64_t p = 0; p < kTileProducts; ++p) place[p * step_] = static_cast<float>(flat[p]);
      }
    }
  }
}

}  // namespace medlsam::convolution
