// Products of integers of 16 bits for gemm_block.hpp.
#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/gemm_pairs.hpp"
#include "kernels/row_functions.hpp"

namespace medlsam::gemm {

template <int kLanes>
struct IntegerLanes {
  typedef std::int32_t Wide __attribute__((vector_size(kLanes * sizeof(std::int32_t))));
  typedef std::int16_t Narrow __attribute__((vector_size(kLanes * sizeof(std::int16_t))));
};

// Exact products of signed integers, summed exactly while they fit 32 bits: where simd_has_integer_pairs()
// alone.
struct IntegerProduct : PairProduct<Pairs::kIntegers> {
  static constexpr float kLargestInput = 32767;
  static constexpr float kLeast = 0x1p-100f;  // smaller values, whose factor would be infinite, are zeros

  // Two integers, given as floats, as a word.
  static MEDLSAM_INLINE float pair(float first, float second) {
    const auto low = static_cast<std::uint16_t>(static_cast<std::int32_t>(first)),
               high = static_cast<std::uint16_t>(static_cast<std::int32_t>(second));
    const std::uint32_t word = std::uint32_t{low} | std::uint32_t{high} << 16;
    float result;
    std::memcpy(&result, &word, sizeof result);
    return result;
  }

  // The size of the greatest of `count` values; infinity where one is not finite.
  template <int kLanes>
  static MEDLSAM_INLINE float greatest_of(const float* from, std::int64_t count) {
    // Bits of floats without their sign are in the order of the sizes, and those of NaN are the greatest.
    constexpr std::int32_t kSize = 0x7fffffff, kInfinity = 0x7f800000;
    using Bits = typename IntegerLanes<kLanes>::Wide;
    Bits greatest{};
    rows::each_vector<kLanes>(
        from,
        count, [&](const Vector<kLanes>& value, std::int64_t, std::int64_t) __attribute__((always_inline)) {
          Bits size;
          __builtin_memcpy(&size, &value, sizeof size);
          size &= kSize;
          greatest = greatest < size ? size : greatest;
        });
    greatest = greatest > kInfinity ? Bits{} + kInfinity : greatest;
    Vector<kLanes> sizes;
    __builtin_memcpy(&sizes, &greatest, sizeof sizes);
    return registers::highest_of<kLanes>(sizes);
  }

  // `count` floats times `factor`, rounded to the nearest integers, one after another: neighbors become
  // words. `to` is written to in whole vectors.
  template <int kLanes>
  static MEDLSAM_INLINE void convert(const float* from, std::int64_t count, float factor, float* to) {
    using Narrow = typename IntegerLanes<kLanes>::Narrow;
    constexpr float kRounder = 12582912.0f;  // 1.5·2²³: the sum has the integer in its lowest bits
    char* const halves = reinterpret_cast<char*>(to);
    rows::each_vector<kLanes>(
        from,
        count, [&](const Vector<kLanes>& value, std::int64_t i, std::int64_t) __attribute__((always_inline)) {
          const Vector<kLanes> shifted = value * factor + kRounder;
          typename IntegerLanes<kLanes>::Wide bits;
          __builtin_memcpy(&bits, &shifted, sizeof bits);
          const Narrow integers = __builtin_convertvector(bits, Narrow);
          __builtin_memcpy(halves + i * 2, &integers, sizeof integers);
        });
  }
};

}  // namespace medlsam::gemm
