#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/simd.hpp"

namespace medlsam::registers {

// a[first], b[first], a[first + 1], b[first + 1], …
template <int first, int kLanes, class Vector, int... i>
MEDLSAM_INLINE void interleave(const Vector& a, const Vector& b, Vector& out,
                               std::integer_sequence<int, i...>) {
  out = __builtin_shufflevector(a, b, (first + i / 2 + i % 2 * kLanes)...);
}

// row(i), i < kLanes, is a pointer to kLanes floats; writes the transpose, its rows `out_stride` apart.
template <int kLanes, class Row>
MEDLSAM_INLINE void transpose_rows(const Row& row, float* out, std::ptrdiff_t out_stride) {
  using Vector = typename FloatLanes<kLanes>::Vector;
  constexpr int kHalf = kLanes / 2;
  constexpr std::make_integer_sequence<int, kLanes> kAll{};
  Vector rows[kLanes], mixed[kLanes];
  for (int i = 0; i < kLanes; ++i) __builtin_memcpy(&rows[i], row(i), sizeof(Vector));
  // Interleaving row i with row i + kLanes/2 log2(kLanes) times is a transposition.
  for (int step = 1; step < kLanes; step *= 2) {
    for (int i = 0; i < kHalf; ++i) {
      interleave<0, kLanes>(rows[i], rows[i + kHalf], mixed[2 * i], kAll);
      interleave<kHalf, kLanes>(rows[i], rows[i + kHalf], mixed[2 * i + 1], kAll);
    }
    for (int i = 0; i < kLanes; ++i) rows[i] = mixed[i];
  }
  for (int i = 0; i < kLanes; ++i) __builtin_memcpy(out + i * out_stride, &rows[i], sizeof(Vector));
}

// `in` holds kLanes rows of kLanes floats, `in_stride` apart; writes the transpose.
template <int kLanes>
MEDLSAM_INLINE void transpose(const float* in, std::ptrdiff_t in_stride, float* out,
                              std::ptrdiff_t out_stride) {
  transpose_rows<kLanes>(
      [&](int i) __attribute__((always_inline)) { return in + i * in_stride; }, out, out_stride);
}

// row(i), i < kLanes, is a pointer to `count` floats, which become column i of `count` rows `out_stride`
// apart.
template <int kLanes, class Row>
MEDLSAM_INLINE void transpose_columns(const Row& row, std::int64_t count, float* out,
                                      std::ptrdiff_t out_stride) {
  std::int64_t c = 0;
  for (; c + kLanes <= count; c += kLanes)
    transpose_rows<kLanes>(
        [&](int i) __attribute__((always_inline)) { return row(i) + c; }, out + c * out_stride, out_stride);
  for (; c < count; ++c)
    for (int i = 0; i < kLanes; ++i) out[c * out_stride + i] = row(i)[c];
}

}  // namespace medlsam::registers
