#include "kernels/axis_operator.hpp"

#include <algorithm>
#include <cmath>

#include "base/simd.hpp"

namespace medlsam {
namespace {

MEDLSAM_INLINE void apply_rows(const std::int64_t* first, const std::int64_t* begin, const float* weights,
                               std::int64_t rows, const float* in, float* out, std::int64_t width,
                               std::int64_t stride) {
  constexpr std::int64_t kBlock = 64;  // outputs that stay in registers while their weights are applied
  for (std::int64_t x = 0; x < width; x += kBlock) {
    const std::int64_t block = std::min(kBlock, width - x);
    for (std::int64_t o = 0; o < rows; ++o) {
      const std::int64_t taps = begin[o + 1] - begin[o];
      const float* w = weights + begin[o];
      const float* source = in + first[o] * stride + x;
      float* target = out + o * stride + x;
      if (block == kBlock) {
        float sum[kBlock] = {};
        for (std::int64_t i = 0; i < taps; ++i, source += stride) {
          for (std::int64_t j = 0; j < kBlock; ++j) sum[j] += w[i] * source[j];
        }
        for (std::int64_t j = 0; j < kBlock; ++j) target[j] = sum[j];
      } else {
        for (std::int64_t j = 0; j < block; ++j) target[j] = 0;
        for (std::int64_t i = 0; i < taps; ++i, source += stride) {
          for (std::int64_t j = 0; j < block; ++j) target[j] += w[i] * source[j];
        }
      }
    }
  }
}

}  // namespace

void AxisOperator::add_row(std::span<const double> row, double negligible) {
  std::size_t start = 0, end = row.size();
  while (start + 1 < end && std::abs(row[start]) < negligible) ++start;
  while (end > start + 1 && std::abs(row[end - 1]) < negligible) --end;
  first.push_back(static_cast<std::int64_t>(start));
  for (std::size_t i = start; i < end; ++i) weights.push_back(static_cast<float>(row[i]));
  begin.push_back(static_cast<std::int64_t>(weights.size()));
}

void apply_operator(const AxisOperator& op, const float* in, float* out, std::int64_t width,
                    std::int64_t stride) {
  run_simd<apply_rows>(op.first.data(), op.begin.data(), op.weights.data(), op.rows(), in, out, width,
                       stride);
}

template <class In>
void transpose(const In* in, std::int64_t rows, std::int64_t columns, float* out) {
  constexpr std::int64_t kTile = 16;
  for (std::int64_t r = 0; r < rows; r += kTile) {
    for (std::int64_t c = 0; c < columns; c += kTile) {
      for (std::int64_t i = r; i < std::min(r + kTile, rows); ++i) {
        for (std::int64_t j = c; j < std::min(c + kTile, columns); ++j) {
          out[j * rows + i] = static_cast<float>(in[i * columns + j]);
        }
      }
    }
  }
}

template void transpose(const float*, std::int64_t, std::int64_t, float*);
template void transpose(const std::uint8_t*, std::int64_t, std::int64_t, float*);

}  // namespace medlsam
