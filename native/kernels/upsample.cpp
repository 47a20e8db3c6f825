#include "kernels/upsample.hpp"

#include <algorithm>

#include "base/simd.hpp"

namespace medlsam {
namespace {

MEDLSAM_INLINE void add_weighted(const float* __restrict before, const float* __restrict left,
                                 const float* __restrict right, const float* __restrict after,
                                 std::int64_t count, float* __restrict out) {
  for (std::int64_t i = 0; i < count; ++i)
    out[i] = 0.75f * (left[i] + right[i]) + 0.25f * (before[i] + after[i]);
}

}  // namespace

void halve_rows(const float* in, std::int64_t extent, std::int64_t inner, std::int64_t begin,
                std::int64_t end, float* out) {
  for (std::int64_t row = begin; row < end; ++row) {
    const std::int64_t i = row % extent;
    const float* line = in + row / extent * 2 * extent * inner;
    const auto at = [&](std::int64_t j) {
      return line + std::clamp<std::int64_t>(j, 0, 2 * extent - 1) * inner;
    };
    run_simd<add_weighted>(at(2 * i - 1), at(2 * i), at(2 * i + 1), at(2 * i + 2), inner, out + row * inner);
  }
}

}  // namespace medlsam
