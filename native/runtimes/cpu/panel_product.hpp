// A plain matrix product: rows times a panel of kPanel columns that are packed next to each other.
#pragma once

#include <cstdint>
#include <utility>

#include "base/simd.hpp"

namespace medlsam::cpu {

inline constexpr std::int64_t kPanel = 64;  // columns

// out = a·b, with a bias of each row or of each column where there is one.
struct PanelProduct {
  const float* a;  // (rows, depth)
  std::int64_t rows, depth;
  const float* b;  // (depth, kPanel)
  float* out;      // (rows, columns), rows `stride` apart
  std::int64_t stride, columns;
  const float *row_bias = nullptr, *column_bias = nullptr;

  template <int kLanes>
  MEDLSAM_INLINE void operator()(Lanes<kLanes>) const {
    constexpr int kVectors = kLanes == 16 ? 4 : 2, kWidth = kVectors * kLanes, kRows = kLanes == 4 ? 4 : 6;
    for (std::int64_t column = 0; column < columns; column += kWidth) {
      std::int64_t row = 0;
      for (; row + kRows <= rows; row += kRows) block<kLanes, kRows, kVectors>(row, column);
      for (; row < rows; ++row) block<kLanes, 1, kVectors>(row, column);
    }
  }

 private:
  template <int kLanes, int kRows, int kVectors>
  MEDLSAM_INLINE void block(std::int64_t row, std::int64_t column) const {
    using Vector = typename FloatLanes<kLanes>::Vector;
    Vector sums[kRows][kVectors] = {};
    const float* from = b + column;
    for (std::int64_t k = 0; k < depth; ++k, from += kPanel) {
      Vector vectors[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) __builtin_memcpy(&vectors[v], from + v * kLanes, sizeof(Vector));
#pragma GCC unroll 6
      for (int r = 0; r < kRows; ++r) {
        const float factor = a[(row + r) * depth + k];
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) sums[r][v] += factor * vectors[v];
      }
    }
    alignas(64) float tile[kRows][kVectors * kLanes];
    __builtin_memcpy(tile, sums, sizeof tile);
    const std::int64_t some = columns - column < kVectors * kLanes ? columns - column : kVectors * kLanes;
    for (int r = 0; r < kRows; ++r) {
      float* to = out + (row + r) * stride + column;
      const float shift = row_bias == nullptr ? 0 : row_bias[row + r];
      if (column_bias == nullptr) {
        for (std::int64_t i = 0; i < some; ++i) to[i] = tile[r][i] + shift;
      } else {
        for (std::int64_t i = 0; i < some; ++i) to[i] = tile[r][i] + column_bias[column + i];
      }
    }
  }
};

}  // namespace medlsam::cpu
