// Fourier transforms of length P·R, P = 7 or 9, R = 2, 4 or 8, of kLanes lines at once.
//
// P and R have no common factor, so Good's mapping n = R·n1 + P·n2, k ≡ k1 (mod P), k ≡ k2 (mod R) turns the
// transform into one of P and one of R points with no twiddle factors between (I. J. Good, J. R. Stat. Soc. B
// 20, 1958). Each of those transforms is straight-line code in registers; which samples it takes is in
// tables.
#pragma once

#include <cstddef>

#include "base/simd.hpp"
#include "kernels/transpose.hpp"

namespace medlsam::fft {

using registers::transpose;

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

// cos and sin of 2πj/P.
template <int P>
struct Circle {
  float cosine[P], sine[P];
};
template <int P>
inline constexpr Circle<P> kCircle{};
template <>
inline constexpr Circle<7> kCircle<7>{
    {1.F, 0.623489802F, -0.222520934F, -0.900968868F, -0.900968868F, -0.222520934F, 0.623489802F},
    {0.F, 0.781831482F, 0.974927912F, 0.433883739F, -0.433883739F, -0.974927912F, -0.781831482F}};
template <>
inline constexpr Circle<9> kCircle<9>{
    {1.F, 0.766044443F, 0.173648178F, -0.5F, -0.939692621F, -0.939692621F, -0.5F, 0.173648178F, 0.766044443F},
    {0.F, 0.642787610F, 0.984807753F, 0.866025404F, 0.342020143F, -0.342020143F, -0.866025404F, -0.984807753F,
     -0.642787610F}};

// value · exp(−iφ), given cos φ and sin φ
template <int kLanes>
MEDLSAM_INLINE Complex<kLanes> rotate(const Complex<kLanes>& value, float cosine, float sine) {
  return {value.re * cosine + value.im * sine, value.im * cosine - value.re * sine};
}

// value · exp(−2πi·j/n) for n = 2, 4, 8 and j < n/2
template <int n, int kLanes>
MEDLSAM_INLINE Complex<kLanes> rotate_by_eighths(const Complex<kLanes>& value, int j) {
  constexpr float kHalfRoot = 0.707106781F;
  if (j == 0) return value;
  if (4 * j == n) return {value.im, -value.re};
  if (8 * j == n) return {(value.re + value.im) * kHalfRoot, (value.im - value.re) * kHalfRoot};
  return {(value.im - value.re) * kHalfRoot, (value.re + value.im) * -kHalfRoot};
}

template <int kLanes>
MEDLSAM_INLINE void dft3(Complex<kLanes>& a, Complex<kLanes>& b, Complex<kLanes>& c) {
  constexpr float kSine = kCircle<9>.sine[3];
  const Complex<kLanes> sum = b + c, difference = b - c;
  const Complex<kLanes> middle = {a.re - sum.re * 0.5F, a.im - sum.im * 0.5F};
  a = a + sum;
  b = {middle.re + difference.im * kSine, middle.im - difference.re * kSine};
  c = {middle.re - difference.im * kSine, middle.im + difference.re * kSine};
}

template <int j, int kLanes>
MEDLSAM_INLINE Complex<kLanes> rotate_by_ninths(const Complex<kLanes>& value) {
  return rotate(value, kCircle<9>.cosine[j], kCircle<9>.sine[j]);
}

// Nine points, in place; frequency k ends in v[3·(k mod 3) + k div 3].
template <int kLanes>
MEDLSAM_INLINE void odd_dft(Complex<kLanes> (&v)[9]) {
  dft3(v[0], v[3], v[6]);
  dft3(v[1], v[4], v[7]);
  dft3(v[2], v[5], v[8]);
  v[4] = rotate_by_ninths<1>(v[4]);
  v[5] = rotate_by_ninths<2>(v[5]);
  v[7] = rotate_by_ninths<2>(v[7]);
  v[8] = rotate_by_ninths<4>(v[8]);
  dft3(v[0], v[1], v[2]);
  dft3(v[3], v[4], v[5]);
  dft3(v[6], v[7], v[8]);
}

// Seven points, in place, frequencies in order: k and 7 − k share the products of sums and of differences.
template <int kLanes>
MEDLSAM_INLINE void odd_dft(Complex<kLanes> (&v)[7]) {
  const Complex<kLanes> first = v[0];
  const Complex<kLanes> sum[3] = {v[1] + v[6], v[2] + v[5], v[3] + v[4]};
  const Complex<kLanes> difference[3] = {v[1] - v[6], v[2] - v[5], v[3] - v[4]};
  v[0] = first + sum[0] + sum[1] + sum[2];
  for (int k = 1; k <= 3; ++k) {
    Complex<kLanes> even = first, odd{};
    for (int j = 1; j <= 3; ++j) {
      const float cosine = kCircle<7>.cosine[j * k % 7], sine = kCircle<7>.sine[j * k % 7];
      even.re += sum[j - 1].re * cosine;
      even.im += sum[j - 1].im * cosine;
      odd.re += difference[j - 1].re * sine;
      odd.im += difference[j - 1].im * sine;
    }
    v[k] = {even.re + odd.im, even.im - odd.re};
    v[7 - k] = {even.re - odd.im, even.im + odd.re};
  }
}

// Where odd_dft leaves frequency k.
template <int P>
constexpr int odd_place(int k) {
  return P == 9 ? 3 * (k % 3) + k / 3 : k;
}

// n = 1, 2, 4 or 8 points, in place, frequencies in order.
template <int n, int kLanes>
MEDLSAM_INLINE void dft2(Complex<kLanes> (&v)[n]) {
  if constexpr (n > 1) {
    Complex<kLanes> even[n / 2], odd[n / 2];
    for (int j = 0; j < n / 2; ++j) {
      even[j] = v[j] + v[j + n / 2];
      odd[j] = rotate_by_eighths<n>(v[j] - v[j + n / 2], j);
    }
    dft2(even);
    dft2(odd);
    for (int j = 0; j < n / 2; ++j) {
      v[2 * j] = even[j];
      v[2 * j + 1] = odd[j];
    }
  }
}

template <int P, int R>
struct Tables {
  int sample[R][P] = {};     // n of (n2, n1)
  int frequency[P][R] = {};  // k of (k1, k2)

  constexpr Tables() {
    for (int n2 = 0; n2 < R; ++n2) {
      for (int n1 = 0; n1 < P; ++n1) sample[n2][n1] = (R * n1 + P * n2) % (P * R);
    }
    for (int k = 0; k < P * R; ++k) frequency[k % P][k % R] = k;
  }
};

template <int P, int R>
inline constexpr Tables<P, R> kTables;

// A whole transform: input(n) gives sample n, output(k, value) takes every k in [0, P·R), in no particular
// order. All samples are read before the first value is given.
template <int P, int R, int kLanes, class Input, class Output>
MEDLSAM_INLINE void transform(const Input& input, const Output& output) {
  Complex<kLanes> half[P][R];  // after the transforms of P points, before those of R
  for (int n2 = 0; n2 < R; ++n2) {
    Complex<kLanes> v[P];
    for (int n1 = 0; n1 < P; ++n1) v[n1] = input(kTables<P, R>.sample[n2][n1]);
    odd_dft(v);
    for (int k1 = 0; k1 < P; ++k1) half[k1][n2] = v[odd_place<P>(k1)];
  }
  for (int k1 = 0; k1 < P; ++k1) {
    Complex<kLanes> v[R];
    for (int n2 = 0; n2 < R; ++n2) v[n2] = half[k1][n2];
    dft2(v);
    for (int k2 = 0; k2 < R; ++k2) output(kTables<P, R>.frequency[k1][k2], v[k2]);
  }
}

}  // namespace medlsam::fft
