// Products of matrices where they stay in the processor's registers and first cache: a block of packed rows
// times a packed panel of columns. Whoever uses it packs both and stores the sums.
//
// Both are packed in words of 32 bits along the depth, the axis that is summed over: a float, or two bfloat16
// neighbors. Every sum is taken from depth 0 on, one term (or pair of terms) after another, however the
// matrices are cut into blocks, so that cutting changes no bit.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/simd.hpp"
#include "kernels/register_blocks.hpp"

namespace medlsam::gemm {

using registers::load;
using registers::round_up;
using registers::store;
using registers::unrolled;
using registers::Vector;

// Words of the depth at a time: a strip of rows (12 KB) stays in the first cache while a panel of columns
// passes.
inline constexpr std::int64_t kDepth = 256;
// Between two packed rows of a block. Not a power of two: the rows of a strip must not share a cache set.
inline constexpr std::int64_t kRowStride = kDepth + 16;

// Rows of a strip and vectors of a panel: 24 of 32 registers, or 12 of 16, hold sums. Tall strips read the
// panel, which comes from the second cache, less often.
template <int kLanes>
constexpr int kStripRows = kLanes == 16 ? 12 : 6;
inline constexpr int kPanelVectors = 2;
template <int kLanes>
constexpr int kPanelWidth = kPanelVectors* kLanes;

constexpr std::int64_t divided_up(std::int64_t value, std::int64_t by) {
  return (value + by - 1) / by;
}

// Products of floats.
struct FloatProduct {
  static constexpr std::int64_t kPerWord = 1;

  // sums (kRows, kPanelWidth), `stride` floats from row to row, = (first ? 0 : sums) + rows·columns, for
  // kVectors vectors of columns. rows: kRows of them, kRowStride apart; columns: (depth, kPanelWidth).
  template <int kLanes, int kRows, int kVectors>
  static MEDLSAM_INLINE void multiply(const float* rows, const float* columns, std::int64_t depth, bool first,
                                      float* sums, std::int64_t stride) {
    constexpr int kWidth = kPanelWidth<kLanes>;
    Vector<kLanes> totals[kRows][kVectors];
    unrolled<kRows>([&](auto r) __attribute__((always_inline)) {
      unrolled<kVectors>([&](auto v) __attribute__((always_inline)) {
        if (first) {
          totals[r][v] = Vector<kLanes>{};
        } else {
          load<kLanes>(totals[r][v], sums + r * stride + v * kLanes);
        }
      });
    });
    for (std::int64_t k = 0; k < depth; ++k, columns += kWidth) {
      Vector<kLanes> vectors[kVectors];
      unrolled<kVectors>([&](auto v) __attribute__((always_inline)) {
        load<kLanes>(vectors[v], columns + v * kLanes);
      });
      unrolled<kRows>([&](auto r) __attribute__((always_inline)) {
        const float factor = rows[r * kRowStride + k];
        unrolled<kVectors>([&](auto v)
                               __attribute__((always_inline)) { totals[r][v] += factor * vectors[v]; });
      });
    }
    unrolled<kRows>([&](auto r) __attribute__((always_inline)) {
      unrolled<kVectors>([&](auto v) __attribute__((always_inline)) {
        store<kLanes>(totals[r][v], sums + r * stride + v * kLanes);
      });
    });
  }
};

// Product::multiply for `count` ≤ kRows rows.
template <class Product, int kLanes, int kVectors, int kRows = kStripRows<kLanes>>
MEDLSAM_INLINE void multiply_rows(std::int64_t count, const float* rows, const float* columns,
                                  std::int64_t depth, bool first, float* sums, std::int64_t stride) {
  if constexpr (kRows > 1) {
    if (count < kRows)
      return multiply_rows<Product, kLanes, kVectors, kRows - 1>(count, rows, columns, depth, first, sums,
                                                                 stride);
  }
  Product::template multiply<kLanes, kRows, kVectors>(rows, columns, depth, first, sums, stride);
}

// Product::multiply for the rows of a strip; of the columns `width` are wanted, the sums of the others may be
// left as they are.
template <class Product, int kLanes>
MEDLSAM_INLINE void multiply_strip(std::int64_t count, const float* rows, const float* columns,
                                   std::int64_t depth, std::int64_t width, bool first, float* sums,
                                   std::int64_t stride) {
  if (width > kLanes) {
    multiply_rows<Product, kLanes, 2>(count, rows, columns, depth, first, sums, stride);
  } else {
    multiply_rows<Product, kLanes, 1>(count, rows, columns, depth, first, sums, stride);
  }
}

// The same for any number of rows.
template <class Product, int kLanes>
MEDLSAM_INLINE void multiply_strips(std::int64_t count, const float* rows, const float* columns,
                                    std::int64_t depth, std::int64_t width, bool first, float* sums,
                                    std::int64_t stride) {
  // Strips of nearly the same height, because one of few rows is slow.
  const std::int64_t strips = divided_up(count, kStripRows<kLanes>);
  for (std::int64_t strip = 0; strip < strips; ++strip) {
    const std::int64_t begin = count * strip / strips, some = count * (strip + 1) / strips - begin;
    multiply_strip<Product, kLanes>(some, rows + begin * kRowStride, columns, depth, width, first,
                                    sums + begin * stride, stride);
  }
}

// Rows packed for multiply_panel: (divided_up(depth, kDepth), count, kRowStride).
constexpr std::int64_t packed_rows_size(std::int64_t count, std::int64_t depth) {
  return divided_up(depth, kDepth) * count * kRowStride;
}

// Where word k of row r is, of `count` packed rows.
constexpr std::int64_t packed_row_offset(std::int64_t count, std::int64_t r, std::int64_t k) {
  return (k / kDepth * count + r) * kRowStride + k % kDepth;
}

// As below, for whoever wants each strip of sums while it is in the first cache: `ends` has begin(row, rows)
// called before rows [row, row + rows) get their last terms, and end(row, rows, sums) when these are there,
// kPanelWidth apart. `sums` is memory for them, of `count` rows, or of a strip where the depth is at most
// kDepth.
template <class Product, int kLanes, class Ends>
MEDLSAM_INLINE void multiply_panel_by_strips(std::int64_t count, const float* rows, const float* panel,
                                             std::int64_t depth, std::int64_t width, float* sums,
                                             const Ends& ends) {
  constexpr std::int64_t kWidth = kPanelWidth<kLanes>;
  const std::int64_t strips = divided_up(count, kStripRows<kLanes>), step = depth <= kDepth ? 0 : kWidth;
  for (std::int64_t k = 0; k < depth; k += kDepth) {
    const bool last = k + kDepth >= depth;
    for (std::int64_t strip = 0; strip < strips; ++strip) {
      const std::int64_t begin = count * strip / strips, some = count * (strip + 1) / strips - begin;
      float* const strip_sums = sums + begin * step;
      if (last) ends.begin(begin, some);
      multiply_strip<Product, kLanes>(some, rows + packed_row_offset(count, begin, k), panel + k * kWidth,
                                      std::min(kDepth, depth - k), width, k == 0, strip_sums, kWidth);
      if (last) ends.end(begin, some, strip_sums);
    }
  }
}

// sums (count, kPanelWidth), `stride` floats from row to row, = (first ? 0 : sums) + rows·panel. rows:
// packed; panel: (depth, kPanelWidth), of whose columns `width` are wanted: the sums of the others may be
// left as they are.
template <class Product, int kLanes>
MEDLSAM_INLINE void multiply_panel(std::int64_t count, const float* rows, const float* panel,
                                   std::int64_t depth, std::int64_t width, bool first, float* sums,
                                   std::int64_t stride) {
  for (std::int64_t k = 0; k < depth; k += kDepth) {
    multiply_strips<Product, kLanes>(count, rows + packed_row_offset(count, 0, k),
                                     panel + k * kPanelWidth<kLanes>, std::min(kDepth, depth - k), width,
                                     first && k == 0, sums, stride);
  }
}

}  // namespace medlsam::gemm
