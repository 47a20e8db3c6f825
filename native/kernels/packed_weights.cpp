#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "kernels/gemm.hpp"
#include "kernels/gemm_pack.hpp"

namespace medlsam {
namespace {

using namespace gemm;

// The greatest integer weight, and how far from an integer a quotient of rounded floats may be.
constexpr float kLargestWeight = 127, kNearInteger = 1e-4f;

// The scale of a row of weights, the greatest of which becomes kLargestWeight.
float scale_of(const float* row, std::int64_t in) {
  float greatest = 0;
  for (std::int64_t k = 0; k < in; ++k) greatest = std::max(greatest, std::abs(row[k]));
  return greatest / kLargestWeight;
}

// (out, in), and the scales of the rows.
std::vector<float> as_integers(const float* weight, std::int64_t out, std::int64_t in, std::int64_t stride,
                               float* scales) {
  std::vector<float> integers(static_cast<std::size_t>(out * in), 0.0f);
  for (std::int64_t row = 0; row < out; ++row) {
    scales[row] = scale_of(weight + row * stride, in);
    for (std::int64_t k = 0; k < in && scales[row] > 0; ++k)
      integers[static_cast<std::size_t>(row * in + k)] =
          std::nearbyint(weight[row * stride + k] / scales[row]);
  }
  return integers;
}

}  // namespace

PackedWeights::PackedWeights(const float* weight, std::int64_t out, std::int64_t in, std::int64_t stride,
                             Precision precision)
    : out_(out), in_(in), precision_(precision) {
  if (out < 1 || in < 1)
    throw Error(ErrorCode::kBadArgument,
                "A linear map of " + std::to_string(in) + " to " + std::to_string(out) + " values is none.");
  if (precision == Precision::kBfloat16 && !simd_has_bfloat16())
    throw Error(ErrorCode::kBadArgument, "This processor, or MEDLSAM_SIMD, has no products of bfloat16.");
  const bool integers = precision == Precision::kIntegers;
  if (integers && !(simd_has_integer_pairs() && fit_integers(weight, out, in, stride)))
    throw Error(ErrorCode::kBadArgument,
                "This processor, or MEDLSAM_SIMD, has no products of integers, or the weights are none.");
  const std::int64_t width = panel_width(), panels = divided_up(out, width);
  const std::int64_t depth = divided_up(in, per_word(precision));
  panels_ = AlignedFloats(static_cast<std::size_t>(panels * width * depth));
  std::vector<float> whole;
  if (integers) {
    scales_ = AlignedFloats::zeros(static_cast<std::size_t>(panels * width));
    whole = as_integers(weight, out, in, stride, scales_.data());
    weight = whole.data();
    stride = in;
  }
  for (std::int64_t panel = 0; panel < panels; ++panel) {
    const std::int64_t column = panel * width, columns = std::min(width, out - column);
    const float* from = weight + column * stride;
    float* to = panels_.data() + panel * width * depth;
    run_simd([&](auto lanes) __attribute__((always_inline)) {
      switch (precision) {
        case Precision::kFloat32:
          return pack_panel<FloatProduct, lanes>(from, columns, in, stride, to);
        case Precision::kBfloat16:
          return pack_panel<Bfloat16Product, lanes>(from, columns, in, stride, to);
        case Precision::kIntegers:
          return pack_panel<IntegerProduct, lanes>(from, columns, in, stride, to);
      }
    });
  }
}

bool fit_integers(const float* weight, std::int64_t out, std::int64_t in, std::int64_t stride) {
  if (static_cast<float>(in) * kLargestWeight * IntegerProduct::kLargestInput >= 0x1p31f) return false;
  for (std::int64_t row = 0; row < out; ++row) {
    const float scale = scale_of(weight + row * stride, in);
    for (std::int64_t k = 0; k < in; ++k) {
      const float weight_here = weight[row * stride + k],
                  value = scale > 0 ? weight_here / scale : weight_here;
      if (!(std::abs(value - std::nearbyint(value)) < kNearInteger)) return false;
    }
    if (!(scale < std::numeric_limits<float>::infinity())) return false;
  }
  return true;
}

}  // namespace medlsam
