// Attention of one head without the matrix of all scores, which takes 67 MB for the 4096 tokens of a SAM
// image. The scores of some queries and keys at a time stay in the cache.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/gemm.hpp"

namespace medlsam {

// Decomposed relative positions (Li et al., Exploring Plain Vision Transformer Backbones, 2022) of one axis:
// query·table[p − k + extent − 1] is added to the score of a query at position p and a key at position k.
class RelativePositions {
 public:
  // table: (2·extent − 1, dim). `precision` must be that of the attention that uses it.
  RelativePositions(const float* table, int extent, int dim, Precision precision = Precision::kFloat32);

  int extent() const { return extent_; }
  // Entries of the table, the last one first, times √dim, as panels of columns (gemm_block.hpp): those of a
  // query at position p begin with column extent − 1 − p.
  const float* panels() const { return columns_.panels(); }

 private:
  int extent_;
  PackedWeights columns_;
};

struct AttentionQuery {
  const float* row;   // `dim` values
  float* out;         // `dim` values
  std::int32_t y, x;  // its place, for relative positions
};

struct AttentionKey {
  const float *key, *value;  // `dim` values each; null: zeros
};

struct AttentionHead {
  int dim = 0;
  std::span<const AttentionQuery> queries;
  std::span<const AttentionKey> keys;  // (lines, line)
  int line = 0;
  // Added to every query and every value. A bias of the keys would add the same to all scores of a query, to
  // which softmax is invariant.
  const float *query_bias = nullptr, *value_bias = nullptr;
  // Both or neither; their extents are those of (lines) and (line).
  const RelativePositions *vertical = nullptr, *horizontal = nullptr;
  Precision precision = Precision::kFloat32;  // of both products
};

// out = softmax over the keys of (query·key / √dim + relative positions), times the values.
// Errors: about 1e-6 of the values' size in float32, 1e-2 in bfloat16. The answer for a query does not depend
// on which others are asked with it. A NaN or infinite score makes the query's answer NaN.
void attend(const AttentionHead& head);

}  // namespace medlsam
