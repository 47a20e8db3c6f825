// Attention over whole tensors, cut into items that may run in any order and on any threads: a head and some
// queries of one batch entry or window.
#pragma once

#include <cstdint>

#include "kernels/attention.hpp"

namespace medlsam {

// Queries (query_batch, queries, width) attend to keys and values (key_batch, keys, width); heads are next to
// each other in `width`. A batch of 1 is used with every entry of the other batch.
struct TokenAttention {
  const float *q = nullptr, *k = nullptr, *v = nullptr;
  float* out = nullptr;  // (larger batch, queries, width)
  std::int64_t query_batch = 0, key_batch = 0, queries = 0, keys = 0, width = 0, heads = 1;
  Precision precision = Precision::kFloat32;

  std::int64_t batch() const;
  std::int64_t items() const;
  void run(std::int64_t item) const;

 private:
  // By narrow_attention.hpp where one side has few tokens and the heads are narrow.
  enum class Way { kWide, kToFew, kFromFew };
  Way way() const;
  std::int64_t heads_at_once() const;
  void run_wide(std::int64_t item) const;
  void run_narrow(std::int64_t item, Way how) const;
};

// Each window of a grid attends to itself, with relative positions. Outside the grid, keys and values are
// zeros (before the bias).
struct WindowAttention {
  const float* qkv = nullptr;   // (batch, height, width, 3·channels): query, key, value
  const float* bias = nullptr;  // (3·channels), added to qkv
  float* out = nullptr;         // (batch, height, width, channels)
  std::int64_t batch = 0, height = 0, width = 0, channels = 0, heads = 1;
  std::int64_t window_height = 0, window_width = 0;
  // Their extents are the window's, their precision is this one's.
  const RelativePositions *vertical = nullptr, *horizontal = nullptr;
  Precision precision = Precision::kFloat32;

  std::int64_t items() const;
  void run(std::int64_t item) const;
};

}  // namespace medlsam
