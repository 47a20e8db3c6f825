// Products of words that are pairs of numbers of 16 bits, for gemm_block.hpp.
#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/gemm_block.hpp"

namespace medlsam::gemm {

enum class Pairs {
  kBfloat16,  // sums are floats
  kIntegers,  // signed; sums are integers of 32 bits, in the place of floats
};

// Both numbers of a word times those of another, added to the sum that they belong to: one instruction, at
// twice the rate of float32.
template <Pairs kPairs>
struct PairProduct {
  static constexpr std::int64_t kPerWord = 2;

#if defined(MEDLSAM_WIDE_SIMD)
  // As FloatProduct's. A function with a target of its own: the instructions are in no level, and clang wants
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
        const Words pairs = Words{} + pair;
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v) {
          if constexpr (kPairs == Pairs::kIntegers) {
            asm("vpdpwssd %2, %1, %0" : "+v"(totals[r][v]) : "v"(pairs), "v"(vectors[v]));
          } else {
            asm("vdpbf16ps %2, %1, %0" : "+v"(totals[r][v]) : "v"(pairs), "v"(vectors[v]));
          }
        }
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
  typedef std::int32_t Words __attribute__((vector_size(16 * sizeof(std::int32_t))));
#endif
};

}  // namespace medlsam::gemm
