// The matrix product both convolutions are made of: rows of channels, wherever they lie, times packed
// weights.
#pragma once

#include <cstdint>

#include "kernels/register_blocks.hpp"

namespace medlsam::convolution {

using registers::load;
using registers::store;
using registers::unrolled;
using registers::Vector;

// Rows and vectors of a register block: its sums, a vector row and a factor fill the registers.
template <int kLanes>
constexpr int kBlockRows = kLanes == 16 ? 8 : 4;
inline constexpr int kBlockVectors = 3;
// Weights are read once, in order, from the last cache: so many floats ahead they are asked for into the
// second, which the processor itself does not do beyond a page.
inline constexpr std::int64_t kAhead = 2048;

// For kRows rows and kVectors vectors: Σ over runs and i < length of rows[r][runs[run] + i] ·
// panel[run·length + i], handed to use(r, v, sum). A panel is (runs·length, kVectors·kLanes).
template <int kLanes, int kRows, int kVectors, class Use>
MEDLSAM_INLINE void multiply_rows(const float* const (&rows)[kRows], const std::int64_t* runs,
                                  std::int64_t run_count, std::int64_t length, const float* panel,
                                  const Use& use) {
  Vector<kLanes> sums[kRows][kVectors] = {};
  for (std::int64_t run = 0; run < run_count; ++run) {
    const std::int64_t begin = runs[run];
    for (std::int64_t i = begin; i < begin + length; ++i, panel += kVectors * kLanes) {
      Vector<kLanes> weights[kVectors];
      unrolled<kVectors>([&](auto v) __attribute__((always_inline)) {
        load<kLanes>(weights[v], panel + v * kLanes);
        __builtin_prefetch(panel + kAhead + v * kLanes, 0, 2);
      });
      unrolled<kRows>([&](auto r) __attribute__((always_inline)) {
        const float factor = rows[r][i];
        unrolled<kVectors>([&](auto v) __attribute__((always_inline)) { sums[r][v] += factor * weights[v]; });
      });
    }
  }
  unrolled<kRows>([&](auto r) __attribute__((always_inline)) {
    unrolled<kVectors>([&](auto v) __attribute__((always_inline)) { use(r, v, sums[r][v]); });
  });
}

// The same with a number of vectors that is known only when it runs, 1 … kBlockVectors.
template <int kLanes, int kRows, class Use>
MEDLSAM_INLINE void multiply_rows(std::int64_t vectors, const float* const (&rows)[kRows],
                                  const std::int64_t* runs, std::int64_t run_count, std::int64_t length,
                                  const float* panel, const Use& use) {
  if (vectors == 3) {
    multiply_rows<kLanes, kRows, 3>(rows, runs, run_count, length, panel, use);
  } else if (vectors == 2) {
    multiply_rows<kLanes, kRows, 2>(rows, runs, run_count, length, panel, use);
  } else {
    multiply_rows<kLanes, kRows, 1>(rows, runs, run_count, length, panel, use);
  }
}

// Output blocks are dealt to panels of three where that leaves no single one, else two.
constexpr std::int64_t panel_vectors(std::int64_t blocks_left) {
  if (blocks_left == 4) return 2;
  return blocks_left < kBlockVectors ? blocks_left : kBlockVectors;
}

}  // namespace medlsam::convolution
