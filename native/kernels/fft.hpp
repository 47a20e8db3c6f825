// Fourier transforms of length 9·R, R = 2, 4 or 8, of kLanes lines at once.
//
// 9 and R have no common factor, so Good's mapping n = R·n1 + 9·n2, k ≡ k1 (mod 9), k ≡ k2 (mod R) turns the
// transform into one of 9 and one of R points with no twiddle factors between (I. J. Good, J. R. Stat. Soc. B
// 20, 1958). Each of those transforms is straight-line code in registers; which samples it takes is in
// tables.
#pragma once

#include <array>
#include <cstddef>
#include <utility>

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

// cos and sin of 2πj/9.
inline constexpr std::array<float, 9> kCos9 = {
    1.F, 0.766044443F, 0.173648178F, -0.5F, -0.939692621F, -0.939692621F, -0.5F, 0.173648178F, 0.766044443F};
inline constexpr std::array<float, 9> kSin9 = {0.F,           0.642787610F,  0.984807753F,
                                               0.866025404F,  0.342020143F,  -0.342020143F,
                                               -0.866025404F, -0.984807753F, -0.642787610F};

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
  v[4] = rotate(v[4], kCos9[1], kSin9[1]);
  v[5] = rotate(v[5], kCos9[2], kSin9[2]);
  v[7] = rotate(v[7], kCos9[2], kSin9[2]);
  v[8] = rotate(v[8], kCos9[4], kSin9[4]);
  dft3(v[0], v[1], v[2]);
  dft3(v[3], v[4], v[5]);
  dft3(v[6], v[7], v[8]);
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

template <int R>
struct Tables {
  int sample[R][9] = {};                     // n of (n2, n1)
  int frequency[9][R] = {};                  // k of (k1, k2)
  float cosine[9][R] = {}, sine[9][R] = {};  // rotation of sample n < R at frequency k1: see short_line

  constexpr Tables() {
    for (int n2 = 0; n2 < R; ++n2) {
      for (int n1 = 0; n1 < 9; ++n1) {
        const int n = (R * n1 + 9 * n2) % (9 * R);
        sample[n2][n1] = n;
        if (n >= R) continue;
        for (int k1 = 0; k1 < 9; ++k1) {
          cosine[k1][n] = kCos9[n1 * k1 % 9];
          sine[k1][n] = kSin9[n1 * k1 % 9];
        }
      }
    }
    for (int k = 0; k < 9 * R; ++k) frequency[k % 9][k % R] = k;
  }
};

template <int R>
inline constexpr Tables<R> kTables;

// A line between the two halves: after the transforms of 9 points, before those of R.
template <int R, int kLanes>
struct HalfWay {
  Complex<kLanes> value[9][R];
};

// First half. `input(n)` gives sample n; samples from kInputs on are zero and not read.
template <int R, int kInputs, int kLanes, class Input>
MEDLSAM_INLINE void first_half(const Input& input, HalfWay<R, kLanes>& half) {
  for (int n2 = 0; n2 < R; ++n2) {
    Complex<kLanes> v[9];
    for (int n1 = 0; n1 < 9; ++n1) {
      const int n = kTables<R>.sample[n2][n1];
      v[n1] = n < kInputs ? input(n) : Complex<kLanes>{};
    }
    dft9(v);
    for (int k1 = 0; k1 < 9; ++k1) half.value[k1][n2] = v[3 * (k1 % 3) + k1 / 3];
  }
}

// Second half for one k1: v[k2] becomes the value at frequency[k1][k2].
template <int R, int kLanes>
MEDLSAM_INLINE void second_half(const HalfWay<R, kLanes>& half, int k1, Complex<kLanes> (&v)[R]) {
  for (int n2 = 0; n2 < R; ++n2) v[n2] = half.value[k1][n2];
  dft2(v);
}

// Both halves for one k1 of a line of which only the first R samples, `line`, are not zero. Sample n is in
// the transform n2 = n of 9 points, alone, so that its first half is a rotation.
template <int R, int kLanes>
MEDLSAM_INLINE void short_line(const Complex<kLanes> (&line)[R], int k1, Complex<kLanes> (&v)[R]) {
  for (int n = 0; n < R; ++n) v[n] = rotate(line[n], kTables<R>.cosine[k1][n], kTables<R>.sine[k1][n]);
  dft2(v);
}

// A whole transform: output(k, value) for every k in [0, 9·R), in no particular order.
template <int R, int kInputs, int kLanes, class Input, class Output>
MEDLSAM_INLINE void transform(const Input& input, const Output& output) {
  HalfWay<R, kLanes> half;
  first_half<R, kInputs>(input, half);
  for (int k1 = 0; k1 < 9; ++k1) {
    Complex<kLanes> v[R];
    second_half(half, k1, v);
    for (int k2 = 0; k2 < R; ++k2) output(kTables<R>.frequency[k1][k2], v[k2]);
  }
}

}  // namespace medlsam::fft
