// The vector code of correlate(): one struct per step, for run_simd. P and R as in fft.hpp.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/simd.hpp"
#include "kernels/fft.hpp"

namespace medlsam::spectra {

using fft::Complex;
using fft::load;
using fft::store;

// A slice's spectrum is a list of vectors over ky: for each block of ky, one vector for each kx. Spectra of
// many slices lie together in groups of frequencies: (group, slice, re or im, frequency).
inline constexpr int kGroup = 128;  // frequencies
inline constexpr int kStride =
    2 * kGroup + 16;            // from slice to slice; 16: they fall into different cache sets
inline constexpr int kRun = 5;  // slices summed at once in registers

// Sizes of a slice for transforms of length P·R.
template <int P, int R>
struct Layout {
  static constexpr int kLength = P * R;
  static constexpr int kColumns = kLength + 16;        // of a tile; 16: rows fall into different cache sets
  static constexpr int kRows = (kLength + 7) / 8 * 8;  // padded to whole vectors, also over ky
  static constexpr int kSpectrum = kRows * kLength;    // one of re, im
  static constexpr int kGroups = (kSpectrum + kGroup - 1) / kGroup;
  static constexpr std::size_t kTile = std::size_t{2} * kRows * kColumns;
};

// Where in spectra of `slices` slices the vector of slice z that begins at `frequency` lies; its imaginary
// part lies kGroup behind.
MEDLSAM_INLINE std::ptrdiff_t place(int slices, int z, int frequency) {
  return (std::ptrdiff_t{frequency / kGroup} * slices + z) * kStride + frequency % kGroup;
}

// body(start) for vectors that cover [0, count), count ≥ kLanes; the last overlaps its neighbor if it must.
template <int kLanes, class Body>
MEDLSAM_INLINE void for_vectors(int count, const Body& body) {
  for (int i = 0; i < count; i += kLanes) body(std::min(i, count - kLanes));
}

// body(lanes, row) for blocks that cover [0, rows), a multiple of 8: whole vectors, and one of 8 at the end.
template <int kLanes, class Body>
MEDLSAM_INLINE void for_row_blocks(int rows, const Body& body) {
  int row = 0;
  for (; row + kLanes <= rows; row += kLanes) body(Lanes<kLanes>{}, row);
  if constexpr (kLanes > 8) {
    if (row < rows) body(Lanes<8>{}, row);
  }
}

// An inverse transform is a forward one with real and imaginary parts exchanged on both sides.
template <int kLanes>
MEDLSAM_INLINE Complex<kLanes> swapped(const Complex<kLanes>& value) {
  return {value.im, value.re};
}

// The spectrum of the slice in `tile`, (re or im, kRows, kColumns), whose real part is one channel and whose
// imaginary part another. The tile is overwritten.
template <int P, int R>
struct TransformSlice {
  float* tile;
  int columns;  // those from here on are zero
  float* spectra;
  int slices, z;  // of the spectra

  template <int kLanes>
  MEDLSAM_INLINE void operator()(Lanes<kLanes>) const {
    using L = Layout<P, R>;
    constexpr int kLength = L::kLength, kColumns = L::kColumns;
    constexpr std::ptrdiff_t kIm = L::kRows * kColumns;
    for (int x = 0; x < columns; x += kLanes) {
      fft::transform<P, R, kLanes>(
          [&](int y) __attribute__((always_inline)) {
            const float* from = tile + y * kColumns + x;
            return load<kLanes>(from, from + kIm);
          },
          [&](int ky, const auto& value) __attribute__((always_inline)) {
            float* to = tile + ky * kColumns + x;
            store(value, to, to + kIm);
          });
    }
    for_row_blocks<kLanes>(
        L::kRows, [&](auto lanes, int row) __attribute__((always_inline)) {
          constexpr int kWidth = lanes;
          alignas(64) float turned[2][kColumns * kWidth];
          for (int x = 0; x < kLength; x += kWidth) {
            const float* from = tile + row * kColumns + x;
            fft::transpose<kWidth>(from, kColumns, turned[0] + x * kWidth, kWidth);
            fft::transpose<kWidth>(from + kIm, kColumns, turned[1] + x * kWidth, kWidth);
          }
          fft::transform<P, R, kWidth>(
              [&](int x) __attribute__((always_inline)) {
                return load<kWidth>(turned[0] + x * kWidth, turned[1] + x * kWidth);
              },
              [&](int kx, const auto& value) __attribute__((always_inline)) {
                float* to = spectra + place(slices, z, row * kLength + kx * kWidth);
                store(value, to, to + kGroup);
              });
        });
  }
};

// The products of one group's spectra, summed over `pairs` pairs of channels and the slices of the kernel:
// F·K*.
template <int kTaps>
struct AddProducts {
  const float *slab, *kernel;                 // of the group and the first pair
  std::ptrdiff_t slab_stride, kernel_stride;  // to the next pair
  int pairs;
  int slices;       // of the sums, a multiple of kRun
  bool begin;       // sums are set, not added to
  int frequencies;  // of the group
  float* sums;

  template <int kLanes>
  MEDLSAM_INLINE void operator()(Lanes<kLanes>) const {
    for (int v = 0; v < frequencies; v += kLanes) {
      for (int o = 0; o < slices; o += kRun) add<kLanes>(v, o);
    }
  }

  template <int kLanes>
  MEDLSAM_INLINE void add(int v, int o) const {
    Complex<kLanes> sum[kRun] = {};
    float* to = sums + o * kStride + v;
    if (!begin) {
      for (int i = 0; i < kRun; ++i) sum[i] = load<kLanes>(to + i * kStride, to + i * kStride + kGroup);
    }
    const float *from = slab + o * kStride + v, *factors = kernel + v;
    for (int pair = 0; pair < pairs; ++pair, from += slab_stride, factors += kernel_stride) {
      Complex<kLanes> k[kTaps];
      for (int d = 0; d < kTaps; ++d)
        k[d] = load<kLanes>(factors + d * kStride, factors + d * kStride + kGroup);
#pragma GCC unroll 16
      for (int z = 0; z < kRun + kTaps - 1; ++z) {
        const float* at = from + z * kStride;
        const auto f = load<kLanes>(at, at + kGroup);
        if (z < kRun) {  // the next vector of the slices that the next run will not have fetched
          __builtin_prefetch(at + kLanes);
          __builtin_prefetch(at + kLanes + kGroup);
        }
#pragma GCC unroll 8
        for (int i = 0; i < kRun; ++i) {
          if (z < i || z - i >= kTaps) continue;
          sum[i].re += f.re * k[z - i].re;
          sum[i].im += f.im * k[z - i].re;
          sum[i].re += f.im * k[z - i].im;
          sum[i].im -= f.re * k[z - i].im;
        }
      }
    }
    for (int i = 0; i < kRun; ++i) store(sum[i], to + i * kStride, to + i * kStride + kGroup);
  }
};

// Slice z of the sums back along x and y; the real part is the result, (kLength, kLength).
template <int P, int R>
struct InvertSlice {
  const float* sums;
  int slices, z;
  float *tile, *out;

  template <int kLanes>
  MEDLSAM_INLINE void operator()(Lanes<kLanes>) const {
    using L = Layout<P, R>;
    constexpr int kLength = L::kLength, kColumns = L::kColumns;
    constexpr std::ptrdiff_t kIm = L::kRows * kColumns;
    for_row_blocks<kLanes>(
        L::kRows, [&](auto lanes, int row) __attribute__((always_inline)) {
          constexpr int kWidth = lanes;
          alignas(64) float turned[2][kLength * kWidth];
          fft::transform<P, R, kWidth>(
              [&](int kx) __attribute__((always_inline)) {
                const float* from = sums + place(slices, z, row * kLength + kx * kWidth);
                return swapped(load<kWidth>(from, from + kGroup));
              },
              [&](int x, const auto& value) __attribute__((always_inline)) {
                store(swapped(value), turned[0] + x * kWidth, turned[1] + x * kWidth);
              });
          for_vectors<kWidth>(
              kLength, [&](int x) __attribute__((always_inline)) {
                float* to = tile + row * kColumns + x;
                fft::transpose<kWidth>(turned[0] + x * kWidth, kWidth, to, kColumns);
                fft::transpose<kWidth>(turned[1] + x * kWidth, kWidth, to + kIm, kColumns);
              });
        });
    for_vectors<kLanes>(
        kLength, [&](int x) __attribute__((always_inline)) {
          fft::transform<P, R, kLanes>(
              [&](int ky) __attribute__((always_inline)) {
                const float* from = tile + ky * kColumns + x;
                return swapped(load<kLanes>(from, from + kIm));
              },
              [&](int y, const auto& value) __attribute__((always_inline)) {
                __builtin_memcpy(out + y * kLength + x, &value.im, sizeof value.im);
              });
        });
  }
};

}  // namespace medlsam::spectra
