// Queries are processed kTile at a time: their scores against all keys, softmax, and the product with the
// values. Both products consist of blocks of kRows × kVectors registers. Keys are packed transposed, each
// line of keys padded to whole vectors, so that a vector lies in one line and its relative-position terms are
// one scalar and one vector; padding has the score −∞.
#include "kernels/attention.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/register_blocks.hpp"

namespace medlsam {
namespace {

using namespace registers;

constexpr int kTile = 4 * kRows;
constexpr int kDepth = 64;  // keys whose values, at 64 a head, fill half the first-level cache
constexpr int kWidestLanes = 16;

template <int kLanes>
struct Attend {
  const AttentionHead& head;
  const std::int64_t line = round_up(head.line, kLanes);
  const std::int64_t lines = static_cast<std::int64_t>(head.keys.size()) / head.line;
  const std::int64_t padded_lines = round_up(lines, kLanes);
  const std::int64_t columns = lines * line;  // keys, with padding
  const std::int64_t dim = round_up(head.dim, kLanes);
  const bool relative = head.vertical != nullptr;
  float* keys = nullptr;  // panels of up to kVectors vectors: (dim, width of the panel)
  Matrix values{}, queries{}, scores{}, outputs{};
  Matrix vertical{}, horizontal{};  // additional scores: (query, line), (query, place in the line)

  MEDLSAM_INLINE void run() {
    allocate();
    pack_keys();
    pack_values();
    if (!relative) {
      std::fill_n(vertical.data, padded_lines, 0.0f);
      std::fill_n(horizontal.data, line, 0.0f);
      mask(horizontal.data);
    }
    for (std::size_t first = 0; first < head.queries.size(); first += kTile) {
      tile(head.queries.subspan(first, std::min<std::size_t>(kTile, head.queries.size() - first)));
    }
  }

  // One block for each thread, which is kept: a new one would cost a page fault every 4 KB.
  MEDLSAM_INLINE void allocate() {
    thread_local std::vector<float> scratch;
    // Rows are a whole number of pages plus one vector apart, so that they do not compete for cache sets.
    const std::int64_t score_stride = columns + kWidestLanes;
    const std::int64_t bias_rows = relative ? kTile : 1;
    const std::int64_t sizes[] = {columns * head.dim,   columns * dim, kTile * head.dim,
                                  kTile * score_stride, kTile * dim,   bias_rows * padded_lines,
                                  bias_rows * line};
    std::int64_t sum = kWidestLanes;
    for (const std::int64_t size : sizes) sum += round_up(size, kWidestLanes);
    if (scratch.size() < static_cast<std::size_t>(sum))
      scratch = std::vector<float>(static_cast<std::size_t>(sum));
    float* next = scratch.data();
    next += (64 - reinterpret_cast<std::uintptr_t>(next) % 64) % 64 / sizeof(float);
    float* parts[7];
    for (int i = 0; i < 7; ++i) {
      parts[i] = next;
      next += round_up(sizes[i], kWidestLanes);
    }
    keys = parts[0];
    values = {parts[1], dim};
    queries = {parts[2], head.dim};
    scores = {parts[3], score_stride};
    outputs = {parts[4], dim};
    vertical = {parts[5], relative ? padded_lines : 0};
    horizontal = {parts[6], relative ? line : 0};
  }

  // The key of a column; null for padding.
  MEDLSAM_INLINE const AttentionKey* key_at(std::int64_t column) const {
    const std::int64_t x = column % line;
    return x < head.line ? &head.keys[static_cast<std::size_t>(column / line * head.line + x)] : nullptr;
  }

  MEDLSAM_INLINE std::int64_t panel_width(std::int64_t first) const {
    return std::min<std::int64_t>(kVectors<kLanes> * kLanes, columns - first);
  }

  MEDLSAM_INLINE void pack_keys() {
    for (std::int64_t first = 0; first < columns; first += panel_width(first)) {
      const std::int64_t width = panel_width(first);
      for (std::int64_t j = 0; j < width; ++j) {
        const AttentionKey* key = key_at(first + j);
        float* to = keys + first * head.dim + j;
        const bool zero = key == nullptr || key->key == nullptr;
        for (int c = 0; c < head.dim; ++c) to[c * width] = zero ? 0.0f : key->key[c];
      }
    }
  }

  MEDLSAM_INLINE void pack_values() {
    for (std::int64_t column = 0; column < columns; ++column) {
      const AttentionKey* key = key_at(column);
      float* end = values.row(column);
      if (key != nullptr && key->value != nullptr) end = std::copy_n(key->value, head.dim, end);
      std::fill(end, values.row(column + 1), 0.0f);
    }
  }

  MEDLSAM_INLINE void mask(float* row) const {
    std::fill(row + head.line, row + line, -std::numeric_limits<float>::infinity());
  }

  MEDLSAM_INLINE void tile(std::span<const AttentionQuery> some) {
    const auto count = static_cast<std::int64_t>(some.size());
    const std::int64_t rows = round_up(count, kRows);
    for (std::int64_t r = 0; r < rows; ++r)
      load_query(r, r < count ? &some[static_cast<std::size_t>(r)] : nullptr);
    score(rows);
    float factors[kTile];
    for (std::int64_t r = 0; r < rows; ++r) factors[r] = softmax(scores.row(r));
    weigh(rows);
    for (std::int64_t r = 0; r < count; ++r) {
      const float* from = outputs.row(r);
      float* to = some[static_cast<std::size_t>(r)].out;
      for (int c = 0; c < head.dim; ++c)
        to[c] = from[c] * factors[r] + (head.value_bias ? head.value_bias[c] : 0.0f);
    }
  }

  MEDLSAM_INLINE void load_query(std::int64_t r, const AttentionQuery* query) {
    float* row = queries.row(r);
    for (int c = 0; c < head.dim; ++c) {
      row[c] = query == nullptr ? 0.0f : query->row[c] + (head.query_bias ? head.query_bias[c] : 0.0f);
    }
    if (relative) {
      relative_scores(row, *head.vertical, query == nullptr ? 0 : query->y, vertical.row(r));
      relative_scores(row, *head.horizontal, query == nullptr ? 0 : query->x, horizontal.row(r));
      mask(horizontal.row(r));
    }
    const float scale = 1.0f / std::sqrt(static_cast<float>(head.dim));
    for (int c = 0; c < head.dim; ++c) row[c] *= scale;
  }

  MEDLSAM_INLINE void relative_scores(const float* query, const RelativePositions& positions, int at,
                                      float* out) const {
    for (std::int64_t k = 0; k < positions.extent(); k += kLanes) {
      const float* column = positions.columns() + positions.extent() - 1 - at + k;
      Vector<kLanes> sum{}, entries;
      for (int c = 0; c < head.dim; ++c, column += positions.stride()) {
        load<kLanes>(entries, column);
        sum += query[c] * entries;
      }
      store<kLanes>(sum, out + k);
    }
  }

  MEDLSAM_INLINE void score(std::int64_t rows) {
    for (std::int64_t first = 0; first < columns; first += panel_width(first)) {
      const std::int64_t width = panel_width(first);
      for (std::int64_t r0 = 0; r0 < rows; r0 += kRows) {
        multiply<kLanes, kVectors<kLanes>>(
            width / kLanes, {queries.row(r0), queries.stride}, {keys + first * head.dim, width}, head.dim,
            {scores.row(r0) + first, scores.stride},
            [&](Vector<kLanes> & sum, int r, int v) __attribute__((always_inline)) {
              const std::int64_t column = first + v * kLanes;
              load<kLanes>(sum, horizontal.row(r0 + r) + column % line);
              sum += vertical.row(r0 + r)[column / line];
            });
      }
    }
  }

  // Turns a row's scores into weights, up to the factor that it returns.
  MEDLSAM_INLINE float softmax(float* row) const {
    Vector<kLanes> highest, value, sum{};
    load<kLanes>(highest, row);
    for (std::int64_t i = kLanes; i < columns; i += kLanes) {
      load<kLanes>(value, row + i);
      highest = highest < value ? value : highest;
    }
    float top = highest[0];
    for (int i = 1; i < kLanes; ++i) top = std::max(top, highest[i]);
    for (std::int64_t i = 0; i < columns; i += kLanes) {
      load<kLanes>(value, row + i);
      value -= top;
      exponential<kLanes>(value);
      sum += value;
      store<kLanes>(value, row + i);
    }
    float total = 0;
    for (int i = 0; i < kLanes; ++i) total += sum[i];
    return 1.0f / total;
  }

  MEDLSAM_INLINE void weigh(std::int64_t rows) {
    for (std::int64_t k = 0; k < columns; k += kDepth) {
      const std::int64_t depth = std::min<std::int64_t>(kDepth, columns - k);
      for (std::int64_t c = 0; c < dim; c += kVectors<kLanes> * kLanes) {
        const std::int64_t vectors = std::min<std::int64_t>(kVectors<kLanes>, (dim - c) / kLanes);
        for (std::int64_t r0 = 0; r0 < rows; r0 += kRows) {
          const Matrix out = {outputs.row(r0) + c, outputs.stride};
          multiply<kLanes, kVectors<kLanes>>(
              vectors, {scores.row(r0) + k, scores.stride}, {values.row(k) + c, values.stride}, depth,
              out, [&](Vector<kLanes> & sum, int r, int v) __attribute__((always_inline)) {
                if (k == 0) {
                  sum = Vector<kLanes>{};
                } else {
                  load<kLanes>(sum, out.row(r) + v * kLanes);
                }
              });
        }
      }
    }
  }
};

}  // namespace

RelativePositions::RelativePositions(const float* table, int extent, int dim)
    : extent_(extent),
      stride_(2 * extent - 1 + kWidestLanes),
      columns_(static_cast<std::size_t>(stride_ * dim)) {
  const int length = 2 * extent - 1;
  for (int i = 0; i < length; ++i) {
    for (int c = 0; c < dim; ++c)
      columns_[static_cast<std::size_t>(c * stride_ + i)] = table[(length - 1 - i) * dim + c];
  }
}

void attend(const AttentionHead& head) {
  run_simd([&](auto lanes) __attribute__((always_inline)) { Attend<lanes>{head}.run(); });
}

}  // namespace medlsam
