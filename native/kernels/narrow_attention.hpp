// Attention between a few tokens and many, as between SAM's prompts and its image: a head of 4 or 16 features
// and 7 tokens are less than the blocks of gemm_block.hpp, so that most of their sums would be of padding.
// Here the long side lies along a vector's lanes, and several heads share what has to be transposed for it.
#pragma once

#include <cstdint>

namespace medlsam {

// Tokens of the short side, and features of a head, for which these are faster.
inline constexpr std::int64_t kFewTokens = 16, kNarrowHead = 32;

// Rows `stride` floats apart, in which heads of `dim` features are next to each other. In float32 always.
struct NarrowAttention {
  const float *q = nullptr, *k = nullptr, *v = nullptr;
  float* out = nullptr;
  std::int64_t queries = 0, keys = 0, stride = 0, heads = 1, dim = 0;
};

// out = softmax over the keys of query·key / √dim, times the values, for each head. keys ≤ kFewTokens.
void attend_to_few(const NarrowAttention& attention);
// The same with queries ≤ kFewTokens.
void attend_from_few(const NarrowAttention& attention);

}  // namespace medlsam
