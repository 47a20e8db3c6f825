#include "kernels/attention_layouts.hpp"

#include <algorithm>
#include <vector>

#include "kernels/narrow_attention.hpp"

namespace medlsam {
namespace {

// Queries of an item, at most: with more, threads would be idle at the end, with fewer, keys would be packed
// too often.
constexpr std::int64_t kChunk = 1376;
// Queries of an item that has all heads, and features of the heads of one that has all queries.
constexpr std::int64_t kNarrowChunk = 256, kNarrowWidth = 16;

std::int64_t chunks_of(std::int64_t queries) {
  return (queries + kChunk - 1) / kChunk;
}

std::int64_t divided_up(std::int64_t length, std::int64_t by) {
  return (length + by - 1) / by;
}

}  // namespace

std::int64_t TokenAttention::batch() const {
  return std::min(query_batch, key_batch) == 0 ? 0 : std::max(query_batch, key_batch);
}

TokenAttention::Way TokenAttention::way() const {
  if (width / heads > kNarrowHead) return Way::kWide;
  if (keys <= kFewTokens) return Way::kToFew;
  return queries <= kFewTokens ? Way::kFromFew : Way::kWide;
}

std::int64_t TokenAttention::items() const {
  switch (way()) {
    case Way::kToFew:
      return batch() * divided_up(queries, kNarrowChunk);
    case Way::kFromFew:
      return batch() * divided_up(heads, heads_at_once());
    case Way::kWide:
      break;
  }
  return batch() * heads * chunks_of(queries);
}

std::int64_t TokenAttention::heads_at_once() const {
  return std::max<std::int64_t>(1, kNarrowWidth / (width / heads));
}

void TokenAttention::run(std::int64_t item) const {
  const Way how = way();
  return how == Way::kWide ? run_wide(item) : run_narrow(item, how);
}

void TokenAttention::run_narrow(std::int64_t item, Way how) const {
  const std::int64_t each = items() / batch(), n = item / each, part = item % each;
  NarrowAttention narrow = {.q = q + (query_batch == 1 ? 0 : n * queries * width),
                            .k = k + (key_batch == 1 ? 0 : n * keys * width),
                            .v = v + (key_batch == 1 ? 0 : n * keys * width),
                            .out = out + n * queries * width,
                            .queries = queries,
                            .keys = keys,
                            .stride = width,
                            .heads = heads,
                            .dim = width / heads};
  if (how == Way::kToFew) {
    const std::int64_t first = part * kNarrowChunk;
    narrow.q += first * width;
    narrow.out += first * width;
    narrow.queries = std::min(kNarrowChunk, queries - first);
    return attend_to_few(narrow);
  }
  const std::int64_t first = part * heads_at_once(), channel = first * narrow.dim;
  for (const float** rows : {&narrow.q, &narrow.k, &narrow.v}) *rows += channel;
  narrow.out += channel;
  narrow.heads = std::min(heads_at_once(), heads - first);
  attend_from_few(narrow);
}

void TokenAttention::run_wide(std::int64_t item) const {
  const std::int64_t chunks = chunks_of(queries);
  const std::int64_t n = item / (heads * chunks), head = item / chunks % heads, chunk = item % chunks;
  const std::int64_t channel = head * (width / heads);
  const float* q_rows = q + (query_batch == 1 ? 0 : n * queries * width) + channel;
  const std::int64_t key_offset = (key_batch == 1 ? 0 : n * keys * width) + channel;
  float* out_rows = out + n * queries * width + channel;
  std::vector<AttentionQuery> asked;
  for (std::int64_t i = chunk * kChunk; i < std::min(queries, (chunk + 1) * kChunk); ++i) {
    asked.push_back({q_rows + i * width, out_rows + i * width, 0, 0});
  }
  std::vector<AttentionKey> seen;
  for (std::int64_t i = 0; i < keys; ++i) {
    seen.push_back({k + key_offset + i * width, v + key_offset + i * width});
  }
  attend({.dim = static_cast<int>(width / heads),
          .queries = asked,
          .keys = seen,
          .line = static_cast<int>(keys),
          .precision = precision});
}

std::int64_t WindowAttention::items() const {
  return batch * divided_up(height, window_height) * divided_up(width, window_width) * heads *
         chunks_of(window_height * window_width);
}

void WindowAttention::run(std::int64_t item) const {
  const std::int64_t cells = window_height * window_width, chunks = chunks_of(cells), dim = channels / heads;
  const std::int64_t rows = divided_up(height, window_height), columns = divided_up(width, window_width);
  const std::int64_t chunk = item % chunks, channel = item / chunks % heads * dim;
  const std::int64_t place = item / (chunks * heads), n = place / (rows * columns);
  const std::int64_t top = place / columns % rows * window_height, left = place % columns * window_width;
  std::vector<AttentionQuery> asked;
  std::vector<AttentionKey> seen;
  for (std::int64_t cell = 0; cell < cells; ++cell) {
    const std::int64_t y = cell / window_width, x = cell % window_width;
    if (top + y >= height || left + x >= width) {
      seen.push_back({nullptr, nullptr});
      continue;
    }
    const std::int64_t token = (n * height + top + y) * width + left + x;
    const float* row = qkv + token * 3 * channels + channel;
    seen.push_back({row + channels, row + 2 * channels});
    if (cell / kChunk == chunk) {
      asked.push_back({row, out + token * channels + channel, static_cast<std::int32_t>(y),
                       static_cast<std::int32_t>(x)});
    }
  }
  attend({.dim = static_cast<int>(dim),
          .queries = asked,
          .keys = seen,
          .line = static_cast<int>(window_width),
          .query_bias = bias + channel,
          .value_bias = bias + 2 * channels + channel,
          .vertical = vertical,
          .horizontal = horizontal,
          .precision = precision});
}

}  // namespace medlsam
