// What kernels do with the processor's registers: vectors of a level's lanes, code repeated for each of
// several registers, and 2 to the x.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include "base/simd.hpp"

namespace medlsam::registers {

template <int kLanes>
using Vector = typename FloatLanes<kLanes>::Vector;

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

// The greatest of a vector's values, and their sum: halves against halves.
template <int kLanes, class Combine>
MEDLSAM_INLINE float combined(const Vector<kLanes>& value, const Combine& combine) {
  if constexpr (kLanes == 1) {
    return value[0];
  } else {
    Vector<kLanes / 2> low, high;
    __builtin_memcpy(&low, &value, sizeof low);
    __builtin_memcpy(&high, reinterpret_cast<const char*>(&value) + sizeof low, sizeof high);
    combine(low, high);
    return combined<kLanes / 2>(low, combine);
  }
}

template <int kLanes>
MEDLSAM_INLINE float highest_of(const Vector<kLanes>& value) {
  return combined<kLanes>(
      value, [](auto& a, const auto& b) __attribute__((always_inline)) { a = a < b ? b : a; });
}

template <int kLanes>
MEDLSAM_INLINE float sum_of(const Vector<kLanes>& value) {
  return combined<kLanes>(
      value, [](auto& a, const auto& b) __attribute__((always_inline)) { a += b; });
}

inline constexpr float kLeastExponent = -126.0f;  // of the numbers that are not subnormal

// 2 to the x for kLeastExponent ≤ x ≤ 0, to 1e-7 of it. NaN stays NaN.
template <int kLanes>
MEDLSAM_INLINE void power_of_two_within(Vector<kLanes>& x) {
  typedef std::int32_t Integers __attribute__((vector_size(kLanes * sizeof(float))));
  constexpr float kRounder = 12582912.0f;  // 1.5·2²³: adding it rounds to an integer
  const Vector<kLanes> shifted = x + kRounder;
  const Vector<kLanes> r = x - (shifted - kRounder);
  // Least greatest relative error on |r| ≤ ½, 2e-9.
  Vector<kLanes> p = r * 0.000153457848f + 0.00133999309f;
  p = p * r + 0.00961848907f;
  p = p * r + 0.0555032864f;
  p = p * r + 0.240226463f;
  p = p * r + 0.693147182f;
  p = p * r + 1.0f;
  // The integer is in the lowest bits of `shifted`; it belongs into the exponent.
  Integers exponent, bits;
  __builtin_memcpy(&exponent, &shifted, sizeof exponent);
  __builtin_memcpy(&bits, &p, sizeof bits);
  bits += exponent << 23;
  __builtin_memcpy(&x, &bits, sizeof bits);
}

// The same for x ≤ 0, at least 2 to the kLeastExponent.
template <int kLanes>
MEDLSAM_INLINE void power_of_two(Vector<kLanes>& x) {
  const Vector<kLanes> lowest = Vector<kLanes>{} + kLeastExponent;
  x = x < lowest ? lowest : x;
  power_of_two_within<kLanes>(x);
}

}  // namespace medlsam::registers
