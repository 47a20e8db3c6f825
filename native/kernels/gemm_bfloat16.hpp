// Products of bfloat16 pairs for gemm_block.hpp.
#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/gemm_pairs.hpp"

namespace medlsam::gemm {

// The upper half of a float, rounded to nearest even. NaN stays NaN.
MEDLSAM_INLINE std::uint32_t bfloat16_bits(std::uint32_t bits) {
  const std::uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  return (bits & 0x7fffffff) > 0x7f800000 ? bits >> 16 | 0x40 : rounded;
}

// Lanes of two vectors as words: those of `first` are the lower halves.
template <int kLanes>
MEDLSAM_INLINE void pair_bfloat16(const Vector<kLanes>& first, const Vector<kLanes>& second,
                                  Vector<kLanes>& words) {
  std::uint32_t low[kLanes], high[kLanes];
  std::memcpy(low, &first, sizeof low);
  std::memcpy(high, &second, sizeof high);
  for (int i = 0; i < kLanes; ++i) low[i] = bfloat16_bits(low[i]) | bfloat16_bits(high[i]) << 16;
  std::memcpy(&words, low, sizeof words);
}

// Exact products of bfloat16 pairs, summed in float32: where simd_has_bfloat16() alone. Subnormal numbers are
// zeros.
struct Bfloat16Product : PairProduct<Pairs::kBfloat16> {
  // A pair of values as a word.
  static MEDLSAM_INLINE float pair(float first, float second) {
    const Vector<1> low = {first}, high = {second};
    Vector<1> word;
    pair_bfloat16<1>(low, high, word);
    return word[0];
  }

#if defined(MEDLSAM_WIDE_SIMD)
  // `count` floats as bfloat16, rounded to nearest even, one after another: neighbors become words. `to` may
  // be `from`; it is written to in whole vectors.
  __attribute__((noinline, target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma"))) static void
  convert(const float* from, std::int64_t count, float* to) {
    char* const halves = reinterpret_cast<char*>(to);
    for (std::int64_t i = 0; i < count; i += 16) {
      Vector<16> value{};
      const std::int64_t some = count - i < 16 ? count - i : 16;
      if (some == 16) {
        std::memcpy(&value, from + i, sizeof value);
      } else {
        std::memcpy(&value, from + i, static_cast<std::size_t>(some) * sizeof(float));
      }
      Halves rounded;
      asm("vcvtneps2bf16 %1, %0" : "=v"(rounded) : "v"(value));
      std::memcpy(halves + i * 2, &rounded, sizeof rounded);
    }
  }

  // A row of `count` scores, a multiple of 16, as bfloat16 numbers one after another in its own memory: 2 to
  // the score − `top`, to 3e-6 of it before it is rounded. `sum` gets what they are before that, lane by
  // lane.
  __attribute__((noinline, target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma"))) static void
  weigh(float* row, std::int64_t count, float top, Vector<16>& sum) {
    char* const halves = reinterpret_cast<char*>(row);
    Vector<16> total = sum;
#pragma GCC unroll 4
    for (std::int64_t i = 0; i < count; i += 16) {
      Vector<16> value, fraction;
      std::memcpy(&value, row + i, sizeof value);
      value -= top;
      asm("vreduceps $9, %1, %0" : "=v"(fraction) : "v"(value));  // less its floor
      // Least greatest relative error on [0, 1).
      Vector<16> power = fraction * 0.0135341678f + 0.0520114601f;
      power = power * fraction + 0.241442755f;
      power = power * fraction + 0.693003833f;
      power = power * fraction + 1.00000262f;
      asm("vscalefps %1, %0, %0" : "+v"(power) : "v"(value));  // times 2 to the floor
      total += power;
      Halves rounded;
      asm("vcvtneps2bf16 %1, %0" : "=v"(rounded) : "v"(power));
      std::memcpy(halves + i * 2, &rounded, sizeof rounded);
    }
    sum = total;
  }

 private:
  typedef std::uint16_t Halves __attribute__((vector_size(16 * sizeof(std::uint16_t))));
#endif
};

}  // namespace medlsam::gemm
