// Fourier transforms of length 9·R, R = 2, 4 or 8, of kLanes lines at once.
//
// 9 and R have no common factor, so Good's mapping n = R·n1 + 9·n2, k ≡ k1 (mod 9), k ≡ k2 (mod R) turns the
// transform into one of 9 and one of R points with no twiddle factors between (I. J. Good, J. R. Stat. Soc. B
// 20, 1958). Everything is unrolled: indices and factors are constants, zero inputs are never loaded.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "core/support/simd.hpp"

namespace medlsam::fft {

// f(constant 0), …, f(constant n−1), as straight-line code.
template <int n, class Body>
MEDLSAM_INLINE void unrolled(const Body& body) {
  [&]<int... i>(std::integer_sequence<int, i...>) __attribute__((always_inline)) {
    (body(std::integral_constant<int, i>{}), ...);
  }
  (std::make_integer_sequence<int, n>{});
}

template <int kLanes>
struct Complex {
  typename FloatLanes<kLanes>::Vector re, im;
};

template <int kLanes>
MEDLSAM_INLINE Complex<kLanes> operator+(const Complex<kLanes>& a, const Complex<kLanes>& b) {
  return {a.re + b.re, a.im + b.im};
}

template <int kLanes>
MEDLSAM_INLINE Complex<kLanes> operator-(const Complex<kLanes>& a, const Complex<kLanes>& b) {
  return {a.re - b.re, a.im - b.im};
}

template <int kLanes>
MEDLSAM_INLINE Complex<kLanes> load(const float* re, const float* im) {
  Complex<kLanes> value;
  __builtin_memcpy(&value.re, re, sizeof value.re);
  __builtin_memcpy(&value.im, im, sizeof value.im);
  return value;
}

template <int kLanes>
MEDLSAM_INLINE void store(const Complex<kLanes>& value, float* re, float* im) {
  __builtin_memcpy(re, &value.re, sizeof value.re);
  __builtin_memcpy(im, &value.im, sizeof value.im);
}

// cos and sin of 2πj/9.
inline constexpr std::array<float, 9> kCos9 = {
    1.F, 0.766044443F, 0.173648178F, -0.5F, -0.939692621F, -0.939692621F, -0.5F, 0.173648178F, 0.766044443F};
inline constexpr std::array<float, 9> kSin9 = {0.F,           0.642787610F,  0.984807753F,
                                               0.866025404F,  0.342020143F,  -0.342020143F,
                                               -0.866025404F, -0.984807753F, -0.642787610F};

// value · exp(−2πi·j/9)
template <int j, int kLanes>
MEDLSAM_INLINE Complex<kLanes> rotate9(const Complex<kLanes>& value) {
  if constexpr (j % 9 == 0) return value;
  constexpr float c = kCos9[j % 9], s = kSin9[j % 9];
  return {value.re * c + value.im * s, value.im * c - value.re * s};
}

// value · exp(−2πi·j/n) for n = 2, 4, 8 and j < n/2
template <int j, int n, int kLanes>
MEDLSAM_INLINE Complex<kLanes> rotate2(const Complex<kLanes>& value) {
  constexpr float kHalfRoot = 0.707106781F;
  if constexpr (j == 0)
    return value;
  else if constexpr (4 * j == n)
    return {value.im, -value.re};
  else if constexpr (8 * j == n)
    return {(value.re + value.im) * kHalfRoot, (value.im - value.re) * kHalfRoot};
  else
    return {(value.im - value.re) * kHalfRoot, (value.re + value.im) * -kHalfRoot};
}

template <int kLanes>
MEDLSAM_INLINE void dft3(Complex<kLanes>& a, Complex<kLanes>& b, Complex<kLanes>& c) {
  const Complex<kLanes> sum = b + c, difference = b - c;
  const Complex<kLanes> middle = {a.re - sum.re * 0.5F, a.im - sum.im * 0.5F};
  a = a + sum;
  b = {middle.re + difference.im * kSin9[3], middle.im - difference.re * kSin9[3]};
  c = {middle.re - difference.im * kSin9[3], middle.im + difference.re * kSin9[3]};
}

// Nine points, in place; frequency k ends in v[3·(k mod 3) + k div 3].
template <int kLanes>
MEDLSAM_INLINE void dft9(Complex<kLanes> (&v)[9]) {
  dft3(v[0], v[3], v[6]);
  dft3(v[1], v[4], v[7]);
  dft3(v[2], v[5], v[8]);
  v[4] = rotate9<1>(v[4]);
  v[5] = rotate9<2>(v[5]);
  v[7] = rotate9<2>(v[7]);
  v[8] = rotate9<4>(v[8]);
  dft3(v[0], v[1], v[2]);
  dft3(v[3], v[4], v[5]);
  dft3(v[6], v[7], v[8]);
}

// n = 1, 2, 4 or 8 points, in place, frequencies in order.
template <int n, int kLanes>
MEDLSAM_INLINE void dft2(Complex<kLanes> (&v)[n]) {
  if constexpr (n > 1) {
    Complex<kLanes> even[n / 2], odd[n / 2];
    unrolled<n / 2>([&](auto j) __attribute__((always_inline)) {
      even[j] = v[j] + v[j + n / 2];
      odd[j] = rotate2<j, n>(v[j] - v[j + n / 2]);
    });
    dft2(even);
    dft2(odd);
    unrolled<n / 2>([&](auto j) __attribute__((always_inline)) {
      v[2 * j] = even[j];
      v[2 * j + 1] = odd[j];
    });
  }
}

// The k below 9·R with k mod 9 = k1 and k mod R = k2.
template <int R>
constexpr int frequency(int k1, int k2) {
  int k = k1;
  while (k % R != k2) k += 9;
  return k;
}

// The inverse of R modulo 9.
template <int R>
constexpr int inverse_of() {
  int inverse = 1;
  while (R * inverse % 9 != 1) ++inverse;
  return inverse;
}

// A line half way: after the transforms of 9 points, before those of R.
template <int R, int kLanes>
struct HalfWay {
  Complex<kLanes> value[9][R];
};

// First half. `input(constant n)` gives sample n; those from kInputs on are zero and not asked for.
template <int R, int kInputs, int kLanes, class Input>
MEDLSAM_INLINE void first_half(const Input& input, HalfWay<R, kLanes>& half) {
  unrolled<R>([&](auto n2) __attribute__((always_inline)) {
    Complex<kLanes> v[9];
    unrolled<9>([&](auto n1) __attribute__((always_inline)) {
      constexpr int n = (R * n1 + 9 * n2) % (9 * R);
      if constexpr (n < kInputs)
        v[n1] = input(std::integral_constant<int, n>{});
      else
        v[n1] = Complex<kLanes>{};
    });
    dft9(v);
    unrolled<9>([&](auto k1)
                    __attribute__((always_inline)) { half.value[k1][n2] = v[3 * (k1 % 3) + k1 / 3]; });
  });
}

// Second half for one k1: v[k2] becomes the value at frequency<R>(k1, k2).
template <int k1, int R, int kLanes>
MEDLSAM_INLINE void second_half(const HalfWay<R, kLanes>& half, Complex<kLanes> (&v)[R]) {
  unrolled<R>([&](auto n2) __attribute__((always_inline)) { v[n2] = half.value[k1][n2]; });
  dft2(v);
}

// The same from a line of which only the first R samples, `line[0…R)`, are not zero: each transform of 9
// points then has one input and is a rotation.
template <int k1, int R, int kLanes>
MEDLSAM_INLINE void second_half_of_short(const Complex<kLanes> (&line)[R], Complex<kLanes> (&v)[R]) {
  unrolled<R>([&](auto n2) __attribute__((always_inline)) {
    constexpr int n1 = n2 * inverse_of<R>() % 9;
    v[n2] = rotate9<n1 * k1 % 9>(line[n2]);
  });
  dft2(v);
}

// A whole transform: output(constant k, value) for every k in [0, 9·R), in no particular order.
template <int R, int kInputs, int kLanes, class Input, class Output>
MEDLSAM_INLINE void transform(const Input& input, const Output& output) {
  HalfWay<R, kLanes> half;
  first_half<R, kInputs>(input, half);
  unrolled<9>([&](auto k1) __attribute__((always_inline)) {
    Complex<kLanes> v[R];
    second_half<k1>(half, v);
    unrolled<R>([&](auto k2) __attribute__((always_inline)) {
      output(std::integral_constant<int, frequency<R>(k1, k2)>{}, v[k2]);
    });
  });
}

// `in` holds kLanes rows of kLanes floats, `in_stride` apart; writes the transpose.
template <int kLanes>
MEDLSAM_INLINE void transpose(const float* in, std::ptrdiff_t in_stride, float* out,
                              std::ptrdiff_t out_stride) {
  using Vector = typename FloatLanes<kLanes>::Vector;
  Vector rows[kLanes];
  unrolled<kLanes>([&](auto i) __attribute__((always_inline)) {
    __builtin_memcpy(&rows[i], in + i * in_stride, sizeof(Vector));
  });
  // Interleaving row i with row i + kLanes/2 log2(kLanes) times is a transposition.
  for (int step = 1; step < kLanes; step *= 2) {
    Vector mixed[kLanes];
    unrolled<kLanes / 2>([&](auto i) __attribute__((always_inline)) {
      [&]<int... j>(std::integer_sequence<int, j...>) __attribute__((always_inline)) {
        constexpr int half = kLanes / 2;
        mixed[2 * i] = __builtin_shufflevector(rows[i], rows[i + half], (j / 2 + j % 2 * kLanes)...);
        mixed[2 * i + 1] =
            __builtin_shufflevector(rows[i], rows[i + half], (half + j / 2 + j % 2 * kLanes)...);
      }
      (std::make_integer_sequence<int, kLanes>{});
    });
    unrolled<kLanes>([&](auto i) __attribute__((always_inline)) { rows[i] = mixed[i]; });
  }
  unrolled<kLanes>([&](auto i) __attribute__((always_inline)) {
    __builtin_memcpy(out + i * out_stride, &rows[i], sizeof(Vector));
  });
}

}  // namespace medlsam::fft
