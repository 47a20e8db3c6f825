// Attention of one head without the matrix of all scores, which takes 67 MB for the 4096 tokens of a SAM
// image. The scores of a few queries at a time stay in the cache.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace medlsam {

// Decomposed relative positions (Li et al., Exploring Plain Vision Transformer Backbones, 2022) of one axis:
// query·table[p − k + extent − 1] is added to the score of a query at position p and a key at position k.
class RelativePositions {
 public:
  RelativePositions(const float* table, int extent, int dim);  // table: (2·extent − 1, dim)

  int extent() const { return extent_; }
  // Row c, from column extent − 1 − p on, holds table[p − k + extent − 1][c] for k = 0, 1, … extent − 1.
  // Reading 16 floats at any k < extent stays inside.
  const float* columns() const { return columns_.data(); }
  std::int64_t stride() const { return stride_; }

 private:
  int extent_;
  std::int64_t stride_;
  std::vector<float> columns_;
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
};

// out = softmax over the keys of (query·key / √dim + relative positions), times the values.
void attend(const AttentionHead& head);

}  // namespace medlsam
