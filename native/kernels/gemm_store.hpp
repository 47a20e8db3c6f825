// The end of a product of matrices: scales, bias, activation and residual, before sums are stored.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/gemm.hpp"
#include "kernels/gemm_integers.hpp"
#include "kernels/row_functions.hpp"

namespace medlsam::gemm {

// Stores the sums of one panel, strip after strip: scales, bias, activation, residual.
template <class Product, int kLanes>
struct Store {
  static constexpr bool kIntegers = std::is_same_v<Product, IntegerProduct>;

  const LinearOutput& output;
  std::int64_t first_row, first_column, columns;  // columns ≤ kPanelWidth of the panel
  // Scales of an integer product: of the block's rows, and of all columns.
  const float *row_scales = nullptr, *column_scales = nullptr;

  // Lines that end() needs are in memory that was used long ago, and too far from each other for the
  // processor to foresee them.
  MEDLSAM_INLINE void begin(std::int64_t row, std::int64_t rows) const {
    constexpr std::int64_t kLine = 16;
    const float* to = output.data + (first_row + row) * output.stride + first_column;
    for (std::int64_t r = 0; r < rows; ++r, to += output.stride)
      for (std::int64_t c = 0; c < columns; c += kLine) __builtin_prefetch(to + c, 1);
    if (output.residual.data == nullptr || output.residual.data == output.data) return;
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < columns; c += kLine) __builtin_prefetch(added_to(row + r) + c);
  }

  MEDLSAM_INLINE void end(std::int64_t row, std::int64_t rows, const float* sums) const {
    switch (output.activation) {
      case Activation::kNone:
        return vectors(row, rows, sums, [](Vector<kLanes>&) __attribute__((always_inline)){});
      case Activation::kRelu:
        return vectors(
            row, rows, sums,
            [](Vector<kLanes> & x) __attribute__((always_inline)) { rows::relu<kLanes>(x); });
      case Activation::kGelu:
        return vectors(
            row, rows, sums,
            [](Vector<kLanes> & x) __attribute__((always_inline)) { rows::gelu<kLanes>(x); });
    }
  }

  template <class Activate>
  MEDLSAM_INLINE void vectors(std::int64_t row, std::int64_t rows, const float* sums,
                              const Activate& activate) const {
    std::int64_t begin = 0;
    for (; begin + kLanes <= columns; begin += kLanes)
      column<true>(row, rows, sums + begin, begin, kLanes, activate);
    if (begin < columns) column<false>(row, rows, sums + begin, begin, columns - begin, activate);
  }

  // A vector of each row, or its first `count` values.
  template <bool kWhole, class Activate>
  MEDLSAM_INLINE void column(std::int64_t row, std::int64_t rows, const float* sums, std::int64_t begin,
                             std::int64_t count, const Activate& activate) const {
    Vector<kLanes> bias{}, scale{}, value, term;
    if constexpr (kIntegers) load<kLanes>(scale, column_scales + first_column + begin);
    if (output.bias != nullptr) get<kWhole>(bias, output.bias + first_column + begin, count);
    const bool added = output.residual.data != nullptr;
    float* to = output.data + (first_row + row) * output.stride + first_column + begin;
    for (std::int64_t r = 0; r < rows; ++r, to += output.stride, sums += kPanelWidth<kLanes>) {
      load<kLanes>(value, sums);
      if constexpr (kIntegers) {
        to_floats(value);
        value = value * (scale * row_scales[row + r]) + bias;
      } else {
        value += bias;
      }
      activate(value);
      if (added) {
        get<kWhole>(term, added_to(row + r) + begin, count);
        value += term;
      }
      if constexpr (kWhole) {
        store<kLanes>(value, to);
      } else {
        rows::store_part<kLanes>(value, to, count);
      }
    }
  }

  // The residual of a row, from the first column on. A division of 64 bits takes as long as a dozen of
  // vectors.
  MEDLSAM_INLINE const float* added_to(std::int64_t row) const {
    const AddedRows& residual = output.residual;
    std::int64_t at = first_row + row;
    if (at >= residual.rows) at %= residual.rows;
    return residual.data + at * residual.stride + first_column;
  }

  // Integers, which lie in the place of floats, become these.
  static MEDLSAM_INLINE void to_floats(Vector<kLanes>& sums) {
    typename IntegerLanes<kLanes>::Wide integers;
    __builtin_memcpy(&integers, &sums, sizeof integers);
    sums = __builtin_convertvector(integers, Vector<kLanes>);
  }

  template <bool kWhole>
  static MEDLSAM_INLINE void get(Vector<kLanes>& value, const float* from, std::int64_t count) {
    if constexpr (kWhole) {
      load<kLanes>(value, from);
    } else {
      rows::load_part<kLanes>(value, from, count);
    }
  }
};

}  // namespace medlsam::gemm
