// The vector code of correlate(): one struct per step, for run_simd. R as in fft.hpp; "re, im" arrays lie one
// behind the other.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>

#include "base/simd.hpp"
#include "kernels/fft.hpp"

namespace medlsam::spectra {

using fft::Complex;
using fft::load;
using fft::store;

// Sizes of everything for a transform of length 9·R.
template <int R>
struct Layout {
  static constexpr int kLength = 9 * R;
  static constexpr int kEdge = 8 * R;             // of the features, zero-padded
  static constexpr int kGroup = 16 / R;           // ky of one group
  static constexpr int kRows = kGroup * kLength;  // 144, a multiple of every vector length
  static constexpr int kGroups = (kLength + kGroup - 1) / kGroup;
  static constexpr int kPlane = kLength * kEdge + 16;  // 16: consecutive z fall into different cache sets
  static constexpr std::size_t kSlab = std::size_t{kEdge} * kPlane;           // one of re, im
  static constexpr std::size_t kKernel = std::size_t{R} * kLength * kLength;  // one of re, im
  static constexpr std::size_t kSum = std::size_t{kRows} * kLength;           // one of re, im
  static constexpr std::size_t kTile = kSum;                                  // one of re, im

  // The last group overlaps the one before where kGroup does not divide kLength.
  static constexpr int first_ky(int group) { return std::min(group * kGroup, kLength - kGroup); }
};

// exp(−2πi·z·kz/9R)
template <int R>
struct Phases {
  float re[R][9 * R], im[R][9 * R];
  Phases() {
    for (int z = 0; z < R; ++z) {
      for (int k = 0; k < 9 * R; ++k) {
        const double angle = -2 * std::numbers::pi * (z * k % (9 * R)) / (9 * R);
        re[z][k] = static_cast<float>(std::cos(angle));
        im[z][k] = static_cast<float>(std::sin(angle));
      }
    }
  }
};

// body(start) for vectors that cover [0, count), count ≥ kLanes; the last overlaps its neighbor if it must.
template <int kLanes, class Body>
MEDLSAM_INLINE void for_vectors(int count, const Body& body) {
  for (int i = 0; i < count; i += kLanes) body(std::min(i, count - kLanes));
}

// An inverse transform is a forward one with real and imaginary parts exchanged on both sides.
template <int kLanes>
MEDLSAM_INLINE Complex<kLanes> swapped(const Complex<kLanes>& value) {
  return {value.im, value.re};
}

// One z slice of two channels along y; the slice is in `re` and `im` and its transform goes to `out_re`,
// `out_im`.
template <int R>
struct TransformSlice {
  const float *re, *im;
  float *out_re, *out_im;

  template <int kLanes>
  MEDLSAM_INLINE void operator()(Lanes<kLanes>) const {
    constexpr int kEdge = Layout<R>::kEdge;
    for_vectors<kLanes>(
        kEdge, [&](int x) __attribute__((always_inline)) {
          fft::transform<R, kEdge, kLanes>(
              [&](int y) __attribute__((always_inline)) {
                return load<kLanes>(re + y * kEdge + x, im + y * kEdge + x);
              },
              [&](int ky, const auto& value) __attribute__((always_inline)) {
                store(value, out_re + ky * kEdge + x, out_im + ky * kEdge + x);
              });
        });
  }
};

// Kernels of two channels along z and y: (x, ky, kz).
template <int R>
struct TransformKernel {
  const float *first, *second;  // second: null where the last channel has no partner
  int size;
  const Phases<R>& phases;
  float *re, *im;

  template <int kLanes>
  MEDLSAM_INLINE void operator()(Lanes<kLanes>) const {
    constexpr int kLength = Layout<R>::kLength;
    for (int x = 0; x < R; ++x) {
      for_vectors<kLanes>(
          kLength, [&](int kz) __attribute__((always_inline)) {
            Complex<kLanes> line[R];
            for (int y = 0; y < R; ++y) line[y] = along_z<kLanes>(y, x, kz);
            for (int k1 = 0; k1 < 9; ++k1) {
              Complex<kLanes> v[R];
              fft::short_line(line, k1, v);
              for (int k2 = 0; k2 < R; ++k2) {
                const int at = (x * kLength + fft::kTables<R>.frequency[k1][k2]) * kLength + kz;
                store(v[k2], re + at, im + at);
              }
            }
          });
    }
  }

  template <int kLanes>
  MEDLSAM_INLINE Complex<kLanes> along_z(int y, int x, int kz) const {
    Complex<kLanes> sum{};
    if (y >= size || x >= size) return sum;
    for (int z = 0; z < size; ++z) {
      const int at = (z * size + y) * size + x;
      const float a = first[at], b = second ? second[at] : 0;
      const auto phase = load<kLanes>(phases.re[z] + kz, phases.im[z] + kz);
      sum.re += phase.re * a - phase.im * b;
      sum.im += phase.im * a + phase.re * b;
    }
    return sum;
  }
};

// One pair's features and kernel along the remaining axes for one group of ky, their product added to `sum`:
// (block of kLanes rows (ky, kz), kx, re or im, row).
template <int R>
struct AddProduct {
  const float *slab, *kernel;
  int ky;
  float *tile, *sum;

  template <int kLanes>
  MEDLSAM_INLINE void operator()(Lanes<kLanes>) const {
    transform_z<kLanes>();
    for (int row = 0; row < Layout<R>::kRows; row += kLanes) multiply<kLanes>(row);
  }

  template <int kLanes>
  MEDLSAM_INLINE void transform_z() const {
    using L = Layout<R>;
    for (int y = 0; y < L::kGroup; ++y) {
      for_vectors<kLanes>(
          L::kEdge, [&](int x) __attribute__((always_inline)) {
            const float* from = slab + (ky + y) * L::kEdge + x;
            float* to = tile + y * L::kLength * L::kEdge + x;
            fft::transform<R, L::kEdge, kLanes>(
                [&](int z) __attribute__((always_inline)) {
                  return load<kLanes>(from + z * L::kPlane, from + L::kSlab + z * L::kPlane);
                },
                [&](int kz, const auto& value) __attribute__((always_inline)) {
                  store(value, to + kz * L::kEdge, to + L::kTile + kz * L::kEdge);
                });
          });
    }
  }

  template <int kLanes>
  MEDLSAM_INLINE void multiply(int row) const {
    using L = Layout<R>;
    alignas(64) float turned[2][L::kEdge * kLanes];
    for (int x = 0; x < L::kEdge; x += kLanes) {
      const float* from = tile + row * L::kEdge + x;
      fft::transpose<kLanes>(from, L::kEdge, turned[0] + x * kLanes, kLanes);
      fft::transpose<kLanes>(from + L::kTile, L::kEdge, turned[1] + x * kLanes, kLanes);
    }
    fft::HalfWay<R, kLanes> half;
    fft::first_half<R, L::kEdge>(
        [&](int x) __attribute__((always_inline)) {
          return load<kLanes>(turned[0] + x * kLanes, turned[1] + x * kLanes);
        },
        half);
    Complex<kLanes> line[R];
    for (int x = 0; x < R; ++x) {
      const float* from = kernel + (x * L::kLength + ky) * L::kLength + row;
      line[x] = load<kLanes>(from, from + L::kKernel);
    }
    float* block = sum + 2 * row * L::kLength;
    for (int k1 = 0; k1 < 9; ++k1) {
      Complex<kLanes> f[R], k[R];
      fft::second_half(half, k1, f);
      fft::short_line(line, k1, k);
      for (int k2 = 0; k2 < R; ++k2) {
        float* at = block + 2 * kLanes * fft::kTables<R>.frequency[k1][k2];
        auto total = load<kLanes>(at, at + kLanes);
        total.re += f[k2].re * k[k2].re + f[k2].im * k[k2].im;
        total.im += f[k2].im * k[k2].re - f[k2].re * k[k2].im;
        store(total, at, at + kLanes);
      }
    }
  }
};

// A group's sum back along x and z, in its place: re and im of (ky, z, x).
template <int R>
struct InvertGroup {
  float *tile, *sum;

  template <int kLanes>
  MEDLSAM_INLINE void operator()(Lanes<kLanes>) const {
    using L = Layout<R>;
    constexpr int kLength = L::kLength;
    for (int row = 0; row < L::kRows; row += kLanes) {
      alignas(64) float turned[2][kLength * kLanes];
      const float* block = sum + 2 * row * kLength;
      fft::transform<R, kLength, kLanes>(
          [&](int kx) __attribute__((always_inline)) {
            return swapped(load<kLanes>(block + 2 * kx * kLanes, block + (2 * kx + 1) * kLanes));
          },
          [&](int x, const auto& value) __attribute__((always_inline)) {
            store(swapped(value), turned[0] + x * kLanes, turned[1] + x * kLanes);
          });
      for_vectors<kLanes>(
          kLength, [&](int x) __attribute__((always_inline)) {
            float* to = tile + row * kLength + x;
            fft::transpose<kLanes>(turned[0] + x * kLanes, kLanes, to, kLength);
            fft::transpose<kLanes>(turned[1] + x * kLanes, kLanes, to + L::kTile, kLength);
          });
    }
    for (int y = 0; y < L::kGroup; ++y) {
      for_vectors<kLanes>(
          kLength, [&](int x) __attribute__((always_inline)) {
            const int corner = y * kLength * kLength + x;
            fft::transform<R, kLength, kLanes>(
                [&](int kz) __attribute__((always_inline)) {
                  const float* from = tile + corner + kz * kLength;
                  return swapped(load<kLanes>(from, from + L::kTile));
                },
                [&](int z, const auto& value) __attribute__((always_inline)) {
                  float* to = sum + corner + z * kLength;
                  store(swapped(value), to, to + L::kSum);
                });
          });
    }
  }
};

// One z slice of the sums back along y; the real part is the result.
template <int R>
struct InvertSlice {
  const float* sums;
  int z;
  float* out;

  template <int kLanes>
  MEDLSAM_INLINE void operator()(Lanes<kLanes>) const {
    using L = Layout<R>;
    for_vectors<kLanes>(
        L::kLength, [&](int x) __attribute__((always_inline)) {
          fft::transform<R, L::kLength, kLanes>(
              [&](int ky) __attribute__((always_inline)) {
                const int group = ky / L::kGroup, y = ky - L::first_ky(group);
                const float* from = sums + group * 2 * L::kSum + (y * L::kLength + z) * L::kLength + x;
                return swapped(load<kLanes>(from, from + L::kSum));
              },
              [&](int y, const auto& value) __attribute__((always_inline)) {
                __builtin_memcpy(out + y * L::kLength + x, &value.im, sizeof value.im);
              });
        });
  }
};

}  // namespace medlsam::spectra
