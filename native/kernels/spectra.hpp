// The vector code of correlate(): one struct per step, for run_simd. P and R as in fft.hpp.
#pragma once

#include <algorithm>
#include <array>
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

// Positions that may begin before the features, along an axis.
inline constexpr int kMostBefore = 4;

// Sizes of a slice for transforms of length P·R.
template <int P, int R>
struct Layout {
  static constexpr int kLength = P * R;
  static constexpr int kColumns = kLength + 16;        // of a tile; 16: rows fall into different cache sets
  static constexpr int kRows = (kLength + 7) / 8 * 8;  // padded to whole vectors, also over ky
  static constexpr int kRowStride = kLength + kMostBefore;  // of a result
  static constexpr int kSpectrum = kRows * kLength;         // one of re, im
  static constexpr int kGroups = (kSpectrum + kGroup - 1) / kGroup;
  static constexpr std::size_t kTile = std::size_t{2} * kRows * kColumns;
};

// Where in spectra of `slices` slices the vector of slice z that begins at `frequency` lies; its imaginary
// part lies kGroup behind.
MEDLSAM_INLINE std::ptrdiff_t place(int slices, int z, int frequency) {
  return (std::ptrdiff_t{frequency / kGroup} * slices + z) * kStride + frequency % kGroup;
}

// A rectangle of two channels' slices, the real and the imaginary part of a signal.
struct Planes {
  const float *re, *im;
  const float* weights;  // factor of both, laid out like them; null: none
  std::ptrdiff_t stride;
  int rows, columns;
  std::ptrdiff_t next;  // from here to what is read next, which is fetched meanwhile; 0: nothing
};

// A vector of the widest registers.
struct alignas(64) WidestVector {
  float lanes[16];
};
inline constexpr WidestVector kZeros{};
inline constexpr WidestVector kOnes{{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}};

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

// kLanes columns of the planes from x on, times their weights, (re or im, row, kLanes), and zeros behind.
template <int kLanes>
MEDLSAM_INLINE void copy_columns(const Planes& from, int x, float* to) {
  const int count = std::min(kLanes, from.columns - x);
  const std::ptrdiff_t im = std::ptrdiff_t{from.rows} * kLanes;
  for (int y = 0; y < from.rows; ++y, to += kLanes) {
    const std::ptrdiff_t at = y * from.stride + x;
    std::fill_n(to, kLanes, 0.F);
    std::fill_n(to + im, kLanes, 0.F);
    for (int i = 0; i < count; ++i) {
      const float weight = from.weights == nullptr ? 1.F : from.weights[at + i];
      to[i] = from.re[at + i] * weight;
      to[im + i] = from.im[at + i] * weight;
    }
  }
}

// The spectrum of the planes, which lie at the beginning of a slice of zeros.
template <int P, int R>
struct TransformSlice {
  Planes from;
  float* tile;  // (re or im, kRows, kColumns), for use
  float* spectra;
  int slices, z;  // of the spectra

  template <int kLanes>
  MEDLSAM_INLINE void operator()(Lanes<kLanes>) const {
    using L = Layout<P, R>;
    along_columns<kLanes>();
    for (int part = 0; part < 2; ++part) {
      float* padding = tile + (part * L::kRows + L::kLength) * L::kColumns;
      std::fill_n(padding, (L::kRows - L::kLength) * L::kColumns, 0.F);
    }
    for_row_blocks<kLanes>(
        L::kRows, [&](auto lanes, int row) __attribute__((always_inline)) { along_rows<lanes>(row); });
  }

 private:
  // Columns of the planes, transformed, into the tile; those behind them stay what they are.
  template <int kLanes>
  MEDLSAM_INLINE void along_columns() const {
    using L = Layout<P, R>;
    constexpr std::ptrdiff_t kIm = L::kRows * L::kColumns;
    alignas(64) float copied[2 * L::kLength * kLanes];
    for (int x = 0; x < from.columns; x += kLanes) {
      const bool direct = from.weights != nullptr && x + kLanes <= from.columns;
      if (!direct) copy_columns<kLanes>(from, x, copied);
      const float* re = direct ? from.re + x : copied;
      const float* im = direct ? from.im + x : copied + std::ptrdiff_t{from.rows} * kLanes;
      const std::ptrdiff_t stride = direct ? from.stride : kLanes;
      const float* weights = direct ? from.weights + x : kOnes.lanes;
      const std::ptrdiff_t weight_stride = direct ? stride : 0;
      fft::transform<P, R, kLanes>(
          [&](int y) __attribute__((always_inline)) {
            const bool inside = y < from.rows;
            const auto value = load<kLanes>(inside ? re + y * stride : kZeros.lanes,
                                            inside ? im + y * stride : kZeros.lanes);
            typename FloatLanes<kLanes>::Vector weight;
            __builtin_memcpy(&weight, inside ? weights + y * weight_stride : kZeros.lanes, sizeof weight);
            return Complex<kLanes>{value.re * weight, value.im * weight};
          },
          [&](int ky, const auto& value) __attribute__((always_inline)) {
            float* to = tile + ky * L::kColumns + x;
            store(value, to, to + kIm);
            // Into the second level: the first has room for too few requests to have them all under way.
            __builtin_prefetch(from.re + from.next + ky * from.stride + x, 0, 2);
          });
    }
  }

  // Some rows of the tile, transformed, into the spectra.
  template <int kWidth>
  MEDLSAM_INLINE void along_rows(int row) const {
    using L = Layout<P, R>;
    constexpr std::ptrdiff_t kIm = L::kRows * L::kColumns;
    alignas(64) float turned[2][L::kColumns * kWidth];
    int columns = 0;
    for (; columns < from.columns; columns += kWidth) {
      const float* at = tile + row * L::kColumns + columns;
      fft::transpose<kWidth>(at, L::kColumns, turned[0] + columns * kWidth, kWidth);
      fft::transpose<kWidth>(at + kIm, L::kColumns, turned[1] + columns * kWidth, kWidth);
    }
    fft::transform<P, R, kWidth>(
        [&](int x) __attribute__((always_inline)) {
          const bool inside = x < columns;
          return load<kWidth>(inside ? turned[0] + x * kWidth : kZeros.lanes,
                              inside ? turned[1] + x * kWidth : kZeros.lanes);
        },
        [&](int kx, const auto& value) __attribute__((always_inline)) {
          float* to = spectra + place(slices, z, row * L::kLength + kx * kWidth);
          store(value, to, to + kGroup);
          __builtin_prefetch(from.im + from.next + kx * from.stride + row, 0, 2);
        });
  }
};

// The products of one group's spectra, summed over the slices of the kernel: F·K*.
template <int kTaps>
struct AddProducts {
  const float *slab, *kernel;  // of the group
  int slices;                  // of the sums, a multiple of kRun
  bool begin;                  // sums are set, not added to
  int frequencies;             // of the group
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
    Complex<kLanes> k[kTaps];
    for (int d = 0; d < kTaps; ++d) {
      const float* factor = kernel + d * kStride + v;
      k[d] = load<kLanes>(factor, factor + kGroup);
    }
#pragma GCC unroll 16
    for (int z = 0; z < kRun + kTaps - 1; ++z) {
      const float* from = slab + (o + z) * kStride + v;
      const auto f = load<kLanes>(from, from + kGroup);
      if (z < kRun) {  // the next vector of the slices that the next run will not have fetched
        __builtin_prefetch(from + kLanes);
        __builtin_prefetch(from + kLanes + kGroup);
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
    for (int i = 0; i < kRun; ++i) store(sum[i], to + i * kStride, to + i * kStride + kGroup);
  }
};

// Slice z of the sums back along x and y. The real part is the result, (kLength, kRowStride), turned around
// by some rows and columns: what was first is behind them.
template <int P, int R>
struct InvertSlice {
  const float* sums;
  int slices, z;
  int rows_before, columns_before;
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
                const int row = y + rows_before < kLength ? y + rows_before : y + rows_before - kLength;
                float* to = out + row * L::kRowStride + columns_before + x;
                __builtin_memcpy(to, &value.im, sizeof value.im);
              });
        });
    for (int y = 0; y < kLength; ++y)
      std::copy_n(out + y * L::kRowStride + kLength, columns_before, out + y * L::kRowStride);
  }
};

}  // namespace medlsam::spectra
