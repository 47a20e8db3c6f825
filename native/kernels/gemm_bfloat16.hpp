// Products of bfloat16 pairs for gemm_block.hpp.
#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/gemm_block.hpp"

namespace medlsam::gemm {

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
  multiply(const float* rows, const float* columns, std::int64_t depth, bool first, float* sums) {
    static_assert(kLanes == 16);
    constexpr int kWidth = kPanelWidth<kLanes>;
    Vector<16> totals[kRows][kVectors];
#pragma GCC unroll 12
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        totals[r][v] = Vector<16>{};
        if (!first) std::memcpy(&totals[r][v], sums + r * kWidth + v * 16, sizeof(Vector<16>));
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
        std::memcpy(sums + r * kWidth + v * 16, &totals[r][v], sizeof(Vector<16>));
    }
  }

 private:
  typedef std::int32_t Pairs __attribute__((vector_size(16 * sizeof(std::int32_t))));
#endif
};

}  // namespace medlsam::gemm
