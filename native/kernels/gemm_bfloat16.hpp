// Products of bfloat16 pairs for gemm_block.hpp.
#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/gemm_block.hpp"

namespace medlsam::gemm {

// The upper half of a float, rounded to nearest even. NaN stays NaN.
MEDLSAM_INLINE std::uint32_t bfloat16_bits(std::uint32_t bits) {
  const std::uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  return (bits & 0x7fffffff) > 0x7f800000 ? bits >> 16 | 0x40 : rounded;
}

// The same for the lanes of a vector, one after another; `to` is aligned as it comes.
template <int kLanes>
MEDLSAM_INLINE void to_bfloat16(const Vector<kLanes>& value, char* to) {
  std::uint32_t bits[kLanes];
  std::uint16_t halves[kLanes];
  std::memcpy(bits, &value, sizeof bits);
  for (int i = 0; i < kLanes; ++i) halves[i] = static_cast<std::uint16_t>(bfloat16_bits(bits[i]));
  std::memcpy(to, halves, sizeof halves);
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
struct Bfloat16Product {
  static constexpr std::int64_t kPerWord = 2;

#if defined(MEDLSAM_WIDE_SIMD)
  // As FloatProduct's. A function with a target of its own: the instruction is in no level, and clang wants
  // to see the registers of an operand in the target of the function itself. Loops instead of `unrolled`,
  // because a lambda would not have the target.
  template <int kLanes, int kRows, int kVectors>
  __attribute__((noinline, target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma"))) static void
  multiply(const float* rows, const float* columns, std::int64_t depth, bool first, float* sums,
           std::int64_t stride) {
    static_assert(kLanes == 16);
    constexpr int kWidth = kPanelWidth<kLanes>;
    Vector<16> totals[kRows][kVectors];
#pragma GCC unroll 12
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        totals[r][v] = Vector<16>{};
        if (!first) std::memcpy(&totals[r][v], sums + r * stride + v * 16, sizeof(Vector<16>));
      }
    }
    for (std::int64_t k = 0; k < depth; ++k, columns += kWidth) {
      Vector<16> vectors[kVectors];
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) std::memcpy(&vectors[v], columns + v * 16, sizeof(Vector<16>));
#pragma GCC unroll 12
      for (int r = 0; r < kRows; ++r) {
        std::int32_t pair;
        std::memcpy(&pair, rows + r * kRowStride + k, sizeof pair);
        const Pairs pairs = Pairs{} + pair;
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v)
          asm("vdpbf16ps %2, %1, %0" : "+v"(totals[r][v]) : "v"(pairs), "v"(vectors[v]));
      }
    }
#pragma GCC unroll 12
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v)
        std::memcpy(sums + r * stride + v * 16, &totals[r][v], sizeof(Vector<16>));
    }
  }

 private:
  typedef std::int32_t Pairs __attribute__((vector_size(16 * sizeof(std::int32_t))));
#endif
};

}  // namespace medlsam::gemm
