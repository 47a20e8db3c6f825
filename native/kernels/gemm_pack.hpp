// Rows and columns of matrices brought into the order of gemm_block.hpp.
#pragma once

#include "kernels/gemm.hpp"
#include "kernels/gemm_block.hpp"
#include "kernels/row_functions.hpp"

namespace medlsam::gemm {

// The upper half of a float, rounded to nearest even. NaN stays NaN.
MEDLSAM_INLINE std::uint32_t bfloat16_bits(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const std::uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  const std::uint32_t quiet = bits >> 16 | 0x40;
  return (bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded;
}

// Two neighbors of the depth as one word, the first in the lower half.
MEDLSAM_INLINE float bfloat16_word(float first, float second) {
  const std::uint32_t bits = bfloat16_bits(first) | bfloat16_bits(second) << 16;
  float word;
  std::memcpy(&word, &bits, sizeof word);
  return word;
}

// Row r of `count` packed ones, from `depth` values (of floats, not of words).
template <class Product>
MEDLSAM_INLINE void pack_row(const float* row, std::int64_t depth, std::int64_t count, std::int64_t r,
                             float* packed) {
  const std::int64_t words = divided_up(depth, Product::kPerWord);
  for (std::int64_t k = 0; k < words; k += kDepth) {
    const std::int64_t some = std::min(kDepth, words - k);
    float* const to = packed + packed_row_offset(count, r, k);
    if constexpr (Product::kPerWord == 1) {
      std::memcpy(to, row + k, static_cast<std::size_t>(some) * sizeof(float));
    } else {
      const std::int64_t pairs = std::min(some, depth / 2 - k);
      const float* const from = row + 2 * k;
      for (std::int64_t i = 0; i < pairs; ++i) to[i] = bfloat16_word(from[2 * i], from[2 * i + 1]);
      if (pairs < some) to[pairs] = bfloat16_word(from[2 * pairs], 0.0f);
    }
  }
}

// Rows [first, first + count) of a linear map's input, with what is added and the norm. `buffer` has room for
// a row; it is not used where there is neither.
template <class Product, int kLanes>
MEDLSAM_INLINE void pack_rows(const LinearInput& input, std::int64_t in, std::int64_t first,
                              std::int64_t count, float* packed, float* buffer) {
  for (std::int64_t r = 0; r < count; ++r) {
    const float* row = input.data + (first + r) * input.stride;
    if (input.added.data != nullptr) {
      const float* added = input.added.data + (first + r) % input.added.rows * input.added.stride;
      for (std::int64_t k = 0; k < in; ++k) buffer[k] = row[k] + added[k];
      row = buffer;
    }
    if (input.norm != nullptr) {
      rows::normalize<kLanes>(row, in, input.norm->weight, input.norm->bias, input.norm->epsilon, buffer);
      row = buffer;
    }
    pack_row<Product>(row, in, count, r, packed);
  }
}

// The transpose of `columns` ≤ kPanelWidth rows of `depth` values, `stride` floats apart, as a panel whose
// other columns are zeros.
template <class Product, int kLanes>
MEDLSAM_INLINE void pack_panel(const float* rows, std::int64_t columns, std::int64_t depth,
                               std::int64_t stride, float* panel) {
  constexpr std::int64_t kWidth = kPanelWidth<kLanes>;
  const std::int64_t words = divided_up(depth, Product::kPerWord);
  for (std::int64_t k = 0; k < words; ++k) {
    float* const to = panel + k * kWidth;
    for (std::int64_t column = 0; column < columns; ++column) {
      const float* const from = rows + column * stride + k * Product::kPerWord;
      if constexpr (Product::kPerWord == 1) {
        to[column] = *from;
      } else {
        to[column] = bfloat16_word(from[0], 2 * k + 1 < depth ? from[1] : 0.0f);
      }
    }
    for (std::int64_t column = columns; column < kWidth; ++column) to[column] = 0.0f;
  }
}

}  // namespace medlsam::gemm
