// Rows and columns of matrices brought into the order of gemm_block.hpp.
#pragma once

#include <limits>
#include <type_traits>

#include "kernels/gemm.hpp"
#include "kernels/gemm_bfloat16.hpp"
#include "kernels/gemm_block.hpp"
#include "kernels/gemm_integers.hpp"
#include "kernels/row_functions.hpp"
#include "kernels/transpose.hpp"

namespace medlsam::gemm {

// Columns of a panel at this process's instruction set.
inline std::int64_t panel_width() {
  return kPanelVectors * run_simd([](auto lanes) { return static_cast<std::int64_t>(lanes); });
}

inline std::int64_t per_word(Precision precision) {
  return precision == Precision::kFloat32 ? 1 : 2;
}

// In pieces of a known size, because a copy of any other is a call, or an instruction that takes long to
// start.
MEDLSAM_INLINE void copy_floats(const float* from, std::int64_t count, float* to) {
  constexpr std::int64_t kPiece = 16;
  std::int64_t i = 0;
  for (; i + kPiece <= count; i += kPiece) __builtin_memcpy(to + i, from + i, kPiece * sizeof(float));
  for (; i < count; ++i) to[i] = from[i];
}

// Row r of `count` packed ones, from `depth` values (of floats, not of words).
template <class Product>
MEDLSAM_INLINE void pack_row(const float* row, std::int64_t depth, std::int64_t count, std::int64_t r,
                             float* packed) {
  constexpr std::int64_t kValues = kDepth * Product::kPerWord;
  for (std::int64_t k = 0; k < depth; k += kValues) {
    const std::int64_t some = std::min(kValues, depth - k);
    float* const to = packed + packed_row_offset(count, r, k / Product::kPerWord);
    if constexpr (Product::kPerWord == 1) {
      copy_floats(row + k, some, to);
    } else {
      Product::convert(row + k, some, to);
    }
  }
}

// The same as integers, the greatest of which is IntegerProduct::kLargestInput; returns what they are to be
// multiplied by, NaN for a row with values that are not finite.
template <int kLanes>
MEDLSAM_INLINE float pack_row_of_integers(const float* row, std::int64_t depth, std::int64_t count,
                                          std::int64_t r, float* packed) {
  constexpr std::int64_t kValues = kDepth * IntegerProduct::kPerWord;
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const float greatest = IntegerProduct::greatest_of<kLanes>(row, depth);
  const bool is_finite = greatest < std::numeric_limits<float>::infinity();
  const float factor =
      is_finite && greatest >= IntegerProduct::kLeast ? IntegerProduct::kLargestInput / greatest : 0.0f;
  for (std::int64_t k = 0; k < depth; k += kValues)
    IntegerProduct::convert<kLanes>(row + k, std::min(kValues, depth - k), factor,
                                    packed + packed_row_offset(count, r, k / IntegerProduct::kPerWord));
  return is_finite ? greatest * (1 / IntegerProduct::kLargestInput) : kNan;
}

// Rows [first, first + count) of a linear map's input, with what is added and the norm. `buffer` has room for
// a row; it is not used where there is neither. `scales` get those of rows of integers.
template <class Product, int kLanes>
MEDLSAM_INLINE void pack_rows(const LinearInput& input, std::int64_t in, std::int64_t first,
                              std::int64_t count, float* packed, float* buffer,
                              [[maybe_unused]] float* scales) {
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
    if constexpr (std::is_same_v<Product, IntegerProduct>) {
      scales[r] = pack_row_of_integers<kLanes>(row, in, count, r, packed);
    } else {
      pack_row<Product>(row, in, count, r, packed);
    }
  }
}

// The transpose of `columns` ≤ kPanelWidth rows of `depth` values, `stride` floats apart, as a panel whose
// other columns are zeros.
template <class Product, int kLanes>
MEDLSAM_INLINE void pack_panel(const float* rows, std::int64_t columns, std::int64_t depth,
                               std::int64_t stride, float* panel) {
  constexpr std::int64_t kWidth = kPanelWidth<kLanes>;
  const std::int64_t words = divided_up(depth, Product::kPerWord);
  if (Product::kPerWord == 1 && columns == kWidth) {
    for (std::int64_t column = 0; column < kWidth; column += kLanes)
      registers::transpose_columns<kLanes>(
          [&](int i) __attribute__((always_inline)) { return rows + (column + i) * stride; }, depth,
          panel + column, kWidth);
    return;
  }
  for (std::int64_t k = 0; k < words; ++k) {
    float* const to = panel + k * kWidth;
    for (std::int64_t column = 0; column < columns; ++column) {
      const float* const from = rows + column * stride + k * Product::kPerWord;
      if constexpr (Product::kPerWord == 1) {
        to[column] = *from;
      } else {
        to[column] = Product::pair(from[0], 2 * k + 1 < depth ? from[1] : 0.0f);
      }
    }
    for (std::int64_t column = columns; column < kWidth; ++column) to[column] = 0.0f;
  }
}

}  // namespace medlsam::gemm
