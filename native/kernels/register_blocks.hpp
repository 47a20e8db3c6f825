// What attention is made of in the processor's registers: a block of a matrix product, and e to the x.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include "base/simd.hpp"

namespace medlsam::registers {

inline constexpr int kRows = 6;  // of a block

template <int kLanes>
using Vector = typename FloatLanes<kLanes>::Vector;

template <int kLanes>
constexpr int kVectors = kLanes == 16 ? 4 : 2;  // 24 of 32 registers, or 12 of 16, hold sums

constexpr std::int64_t round_up(std::int64_t value, std::int64_t step) {
  return (value + step - 1) / step * step;
}

// f(constant 0), …, f(constant n−1), as straight-line code.
template <int n, class Body>
MEDLSAM_INLINE void unrolled(const Body& body) {
  [&]<int... i>(std::integer_sequence<int, i...>) __attribute__((always_inline)) {
    (body(std::integral_constant<int, i>{}), ...);
  }
  (std::make_integer_sequence<int, n>{});
}

template <int kLanes>
MEDLSAM_INLINE void load(Vector<kLanes>& value, const float* from) {
  __builtin_memcpy(&value, from, sizeof value);
}

template <int kLanes>
MEDLSAM_INLINE void store(const Vector<kLanes>& value, float* to) {
  __builtin_memcpy(to, &value, sizeof value);
}

struct Matrix {
  float* data;
  std::int64_t stride;
  float* row(std::int64_t index) const { return data + index * stride; }
};

// out = start + a·b for kRows rows of a and kCount vectors of b's columns. start(vector, r, v) sets a sum's
// start.
template <int kLanes, int kCount, class Start>
MEDLSAM_INLINE void multiply_block(const Matrix& a, const Matrix& b, std::int64_t depth, const Matrix& out,
                                   const Start& start) {
  Vector<kLanes> sums[kRows][kCount];
  unrolled<kRows>([&](auto r) __attribute__((always_inline)) {
    unrolled<kCount>([&](auto v) __attribute__((always_inline)) { start(sums[r][v], r, v); });
  });
  const float* columns = b.data;
  for (std::int64_t k = 0; k < depth; ++k, columns += b.stride) {
    Vector<kLanes> vectors[kCount];
    unrolled<kCount>([&](auto v)
                         __attribute__((always_inline)) { load<kLanes>(vectors[v], columns + v * kLanes); });
    unrolled<kRows>([&](auto r) __attribute__((always_inline)) {
      const float factor = a.data[r * a.stride + k];
      unrolled<kCount>([&](auto v) __attribute__((always_inline)) { sums[r][v] += factor * vectors[v]; });
    });
  }
  unrolled<kRows>([&](auto r) __attribute__((always_inline)) {
    unrolled<kCount>([&](auto v) __attribute__((always_inline)) {
      store<kLanes>(sums[r][v], out.row(r) + v * kLanes);
    });
  });
}

// The same for `count` ≤ kVectors vectors.
template <int kLanes, int kCount, class Start>
MEDLSAM_INLINE void multiply(std::int64_t count, const Matrix& a, const Matrix& b, std::int64_t depth,
                             const Matrix& out, const Start& start) {
  if constexpr (kCount > 1) {
    if (count < kCount) return multiply<kLanes, kCount - 1>(count, a, b, depth, out, start);
  }
  multiply_block<kLanes, kCount>(a, b, depth, out, start);
}

// e to the x for x ≤ 0, to 2e-7 of it; 0 where a float cannot hold it.
template <int kLanes>
MEDLSAM_INLINE void exponential(Vector<kLanes>& x) {
  typedef std::int32_t Integers __attribute__((vector_size(kLanes * sizeof(float))));
  constexpr float kLowest = -87.0f, kRounder = 12582912.0f;  // 1.5·2²³: adding it rounds to an integer
  const Vector<kLanes> lowest = Vector<kLanes>{} + kLowest;
  x = x < lowest ? lowest : x;
  const Vector<kLanes> shifted = x * 1.44269504f + kRounder;
  const Vector<kLanes> r = x - (shifted - kRounder) * 0.693147181f;
  Vector<kLanes> p = r * (1.0f / 720) + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  // The integer is in the lowest bits of `shifted`; it belongs into the exponent.
  Integers exponent, bits;
  __builtin_memcpy(&exponent, &shifted, sizeof exponent);
  __builtin_memcpy(&bits, &p, sizeof bits);
  bits += exponent << 23;
  __builtin_memcpy(&x, &bits, sizeof bits);
}

}  // namespace medlsam::registers
