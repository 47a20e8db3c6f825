// Blocks of queries pass over blocks of keys: scores, softmax, and the product with the values, which is
// scaled down whenever a greater score is found. Both products are those of gemm_block.hpp: keys are the
// columns of the first, values those of the second, whose rows are the weights that the first one left
// behind.
#include "kernels/attention.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "kernels/gemm_bfloat16.hpp"
#include "kernels/gemm_block.hpp"
#include "kernels/gemm_pack.hpp"
#include "kernels/scratch.hpp"

namespace medlsam {
namespace {

using namespace gemm;

constexpr std::int64_t kKeys = kDepth;  // of a block: its scores are packed rows of the second product
constexpr std::int64_t kQueries = 96;   // of a block: a multiple of every strip
constexpr std::int64_t kWidestLanes = 16;
constexpr std::int64_t kAhead = 12;  // queries between the one that is packed and the one that is fetched
constexpr float kNone = -std::numeric_limits<float>::infinity();

template <class Product, int kLanes>
struct Attend {
  static constexpr std::int64_t kWidth = kPanelWidth<kLanes>;

  const AttentionHead& head;
  const std::int64_t key_count = static_cast<std::int64_t>(head.keys.size());
  const std::int64_t blocks = divided_up(key_count, kKeys);
  const std::int64_t depth = divided_up(head.dim, Product::kPerWord);  // of the first product, in words
  const std::int64_t panels = divided_up(head.dim, kWidth);            // of the second product
  const bool relative = head.vertical != nullptr;
  // Panels of keys; for each block of keys, panels of values; rows on their way.
  float *keys = nullptr, *values = nullptr, *rows = nullptr;
  // Memory of a block of queries: packed rows; scores, then weights; sums of values; sums of weights, a
  // vector a query.
  float *queries = nullptr, *scores = nullptr, *outputs = nullptr, *sums = nullptr;
  float *vertical = nullptr, *horizontal = nullptr;  // queries times the tables of relative positions
  std::int64_t vertical_stride = 0, horizontal_stride = 0;
  float tops[kQueries] = {};

  MEDLSAM_INLINE void run() {
    Scratch scratch;
    allocate(scratch);
    scratch.begin();
    allocate(scratch);
    pack_keys();
    pack_values();
    const auto count = static_cast<std::int64_t>(head.queries.size()), parts = divided_up(count, kQueries);
    for (std::int64_t part = 0; part < parts; ++part) {
      const std::int64_t first = count * part / parts, some = count * (part + 1) / parts - first;
      answer(head.queries.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(some)));
    }
  }

  MEDLSAM_INLINE void allocate(Scratch& scratch) {
    keys = scratch.take(divided_up(key_count, kWidth) * kWidth * depth);
    values = scratch.take(blocks * panels * values_size());
    rows = scratch.take(kLanes * row_size());
    queries = scratch.take(packed_rows_size(kQueries, depth));
    scores = scratch.take(kQueries * kRowStride);
    outputs = scratch.take(kQueries * panels * kWidth);
    sums = scratch.take(kQueries * kLanes);
    if (!relative) return;
    // A line of scores is read in whole vectors.
    vertical_stride = round_up(2 * head.vertical->extent() - 1, kWidth) + kWidestLanes;
    horizontal_stride = round_up(2 * head.horizontal->extent() - 1, kWidth) + kWidestLanes;
    vertical = scratch.take(kQueries * vertical_stride);
    horizontal = scratch.take(kQueries * horizontal_stride);
  }

  std::int64_t row_size() const { return round_up(head.dim, kWidestLanes); }
  // Floats of a panel of a block's values.
  static constexpr std::int64_t values_size() { return kKeys / Product::kPerWord * kWidth; }

  MEDLSAM_INLINE void pack_keys() {
    for (std::int64_t first = 0; first < key_count; first += kLanes) {
      const float* words[kLanes];
      for (int i = 0; i < kLanes; ++i) words[i] = key_words(first + i, rows + i * row_size());
      for (int i = 0; i < kLanes; ++i) fetch_ahead(first + kLanes + i, &AttentionKey::key);
      registers::transpose_columns<kLanes>(
          [&](int i) __attribute__((always_inline)) { return words[i]; }, depth,
          keys + first / kWidth * kWidth * depth + first % kWidth, kWidth);
    }
  }

  // Rows are too far from each other for the processor to foresee the next one.
  MEDLSAM_INLINE void fetch(const float* row) const {
    for (int c = 0; c < head.dim; c += kWidestLanes) __builtin_prefetch(row + c);
  }
  MEDLSAM_INLINE void fetch_ahead(std::int64_t i, const float* AttentionKey::*row) const {
    const float* const from = i < key_count ? head.keys[static_cast<std::size_t>(i)].*row : nullptr;
    if (from != nullptr) fetch(from);
  }

  // The words of a key, which may use memory for a row; zeros for one that there is not.
  MEDLSAM_INLINE const float* key_words(std::int64_t i, float* memory) const {
    const float* const key = i < key_count ? head.keys[static_cast<std::size_t>(i)].key : nullptr;
    if (key == nullptr) {
      std::fill_n(memory, depth, 0.0f);
      return memory;
    }
    if constexpr (Product::kPerWord == 1) {
      return key;
    } else {
      Product::convert(key, head.dim, memory);
      return memory;
    }
  }

  MEDLSAM_INLINE void pack_values() {
    for (std::int64_t i = 0; i < key_count; i += Product::kPerWord) {
      const float* const first = head.keys[static_cast<std::size_t>(i)].value;
      const float* const second = Product::kPerWord == 2 && i + 1 < key_count
                                      ? head.keys[static_cast<std::size_t>(i + 1)].value
                                      : nullptr;
      float* const block = values + i / kKeys * panels * values_size();
      fetch_ahead(i + kWidestLanes, &AttentionKey::value);
      for (std::int64_t c = 0; c < panels * kWidth; c += kLanes) {
        Vector<kLanes> word, other;
        load_value(first, c, word);
        if constexpr (Product::kPerWord == 2) {
          load_value(second, c, other);
          pair_bfloat16<kLanes>(word, other, word);
        }
        store<kLanes>(
            word, block + c / kWidth * values_size() + i % kKeys / Product::kPerWord * kWidth + c % kWidth);
      }
    }
  }

  // Values [c, c + kLanes) of those that there are, and zeros.
  MEDLSAM_INLINE void load_value(const float* value, std::int64_t c, Vector<kLanes>& vector) const {
    vector = Vector<kLanes>{};
    if (value == nullptr || c >= head.dim) return;
    if (c + kLanes <= head.dim) return load<kLanes>(vector, value + c);
    medlsam::rows::load_part<kLanes>(vector, value + c, head.dim - c);
  }

  MEDLSAM_INLINE void answer(std::span<const AttentionQuery> asked) {
    const auto count = static_cast<std::int64_t>(asked.size());
    pack_queries(asked);
    if (relative) {
      multiply_table(count, *head.vertical, vertical, vertical_stride);
      multiply_table(count, *head.horizontal, horizontal, horizontal_stride);
    }
    std::fill_n(tops, count, kNone);
    std::fill_n(sums, count * kLanes, 0.0f);
    for (std::int64_t block = 0; block < blocks; ++block) {
      const std::int64_t first = block * kKeys, some = std::min(kKeys, key_count - first);
      if (relative)
        for (std::int64_t r = 0; r < count; ++r)
          start_scores(asked[static_cast<std::size_t>(r)], r, first, some);
      for (std::int64_t c = 0; c < some; c += kWidth)
        multiply_panel<Product, kLanes>(count, queries, keys + (first + c) * depth, depth, some - c,
                                        !relative, scores + c, kRowStride);
      for (std::int64_t r = 0; r < count; ++r) weigh(r, some, block == 0);
      for (std::int64_t panel = 0; panel < panels; ++panel)
        multiply_strips<Product, kLanes>(count, scores, values + (block * panels + panel) * values_size(),
                                         divided_up(some, Product::kPerWord), head.dim - panel * kWidth,
                                         block == 0, outputs + panel * kWidth, panels * kWidth);
    }
    for (std::int64_t r = 0; r < count; ++r) finish(asked[static_cast<std::size_t>(r)], r);
  }

  // With the scale of the scores and the factor that turns e to the x into 2 to the x.
  MEDLSAM_INLINE void pack_queries(std::span<const AttentionQuery> asked) {
    const float scale = std::numbers::log2e_v<float> / std::sqrt(static_cast<float>(head.dim));
    const auto count = static_cast<std::int64_t>(asked.size());
    for (std::int64_t r = 0; r < count; ++r) {
      if (r + kAhead < count) fetch(asked[static_cast<std::size_t>(r + kAhead)].row);
      const float* const from = asked[static_cast<std::size_t>(r)].row;
      for (std::int64_t c = 0; c < head.dim; c += kLanes) {
        Vector<kLanes> value, bias;
        load_value(from, c, value);
        load_value(head.query_bias, c, bias);
        store<kLanes>((value + bias) * scale, rows + c);
      }
      pack_row<Product>(rows, head.dim, count, r, queries);
    }
  }

  MEDLSAM_INLINE void multiply_table(std::int64_t count, const RelativePositions& positions, float* out,
                                     std::int64_t stride) {
    const std::int64_t entries = 2 * positions.extent() - 1;
    for (std::int64_t c = 0; c < entries; c += kWidth)
      multiply_panel<Product, kLanes>(count, queries, positions.panels() + c * depth, depth, entries - c,
                                      true, out + c, stride);
  }

  // The relative positions' part of a query's scores of keys [first, first + count), line after line. Whole
  // vectors: what is too much at the end of a line is overwritten by the next, or masked.
  MEDLSAM_INLINE void start_scores(const AttentionQuery& query, std::int64_t r, std::int64_t first,
                                   std::int64_t count) {
    const float* const of_y = vertical + r * vertical_stride + head.vertical->extent() - 1 - query.y;
    const float* const of_x = horizontal + r * horizontal_stride + head.horizontal->extent() - 1 - query.x;
    float* const to = scores + r * kRowStride;
    std::int64_t y = first / head.line, x = first % head.line;
    for (std::int64_t begin = 0; begin < count; ++y, x = 0) {
      const std::int64_t end = std::min(count, begin + head.line - x);
      for (std::int64_t i = begin; i < end; i += kLanes, x += kLanes) {
        Vector<kLanes> part;
        load<kLanes>(part, of_x + x);
        store<kLanes>(part + of_y[y], to + i);
      }
      begin = end;
    }
  }

  // Turns a query's scores of `count` keys into weights, relative to the greatest score so far, to which what
  // was summed before is brought.
  MEDLSAM_INLINE void weigh(std::int64_t r, std::int64_t count, bool first) {
    float* const from = scores + r * kRowStride;
    const std::int64_t padded = round_up(count, kLanes);
    std::fill(from + count, from + padded, kNone);
    const float highest = highest_of_row(from, padded), top = tops[r] < highest ? highest : tops[r];
    Vector<kLanes> sum;
    load<kLanes>(sum, sums + r * kLanes);
    if (!first && top != tops[r]) scale_down(r, tops[r] - top, sum);
    tops[r] = top;
    if constexpr (Product::kPerWord == 2) {
      Product::weigh(from, padded, top, sum);
    } else {
      // Not smaller than has a power. A comparison with a constant would take two instructions.
      const Vector<kLanes> least = Vector<kLanes>{} + (top + registers::kLeastExponent);
      Vector<kLanes> value;
      for (std::int64_t i = 0; i < padded; i += kLanes) {
        load<kLanes>(value, from + i);
        value = value < least ? least : value;
        value -= top;
        registers::power_of_two_within<kLanes>(value);
        sum += value;
        store<kLanes>(value, from + i);
      }
    }
    store<kLanes>(sum, sums + r * kLanes);
  }

  // Four vectors at once, because each comparison waits for the one before.
  static MEDLSAM_INLINE float highest_of_row(const float* from, std::int64_t count) {
    Vector<kLanes> value, highest[4];
    for (auto& each : highest) load<kLanes>(each, from);
    std::int64_t i = 0;
    for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
      unrolled<4>([&](auto j) __attribute__((always_inline)) {
        load<kLanes>(value, from + i + j * kLanes);
        highest[j] = highest[j] < value ? value : highest[j];
      });
    }
    for (; i < count; i += kLanes) {
      load<kLanes>(value, from + i);
      highest[0] = highest[0] < value ? value : highest[0];
    }
    for (int j = 1; j < 4; ++j) highest[0] = highest[0] < highest[j] ? highest[j] : highest[0];
    return registers::highest_of<kLanes>(highest[0]);
  }

  // Multiplies what was summed by 2 to the `difference`.
  MEDLSAM_INLINE void scale_down(std::int64_t r, float difference, Vector<kLanes>& sum) {
    Vector<kLanes> factor = Vector<kLanes>{} + difference, value;
    registers::power_of_two<kLanes>(factor);
    sum *= factor;
    float* const out = outputs + r * panels * kWidth;
    for (std::int64_t c = 0; c < panels * kWidth; c += kLanes) {
      load<kLanes>(value, out + c);
      store<kLanes>(value * factor, out + c);
    }
  }

  MEDLSAM_INLINE void finish(const AttentionQuery& query, std::int64_t r) const {
    Vector<kLanes> sum;
    load<kLanes>(sum, sums + r * kLanes);
    const float factor = 1.0f / registers::sum_of<kLanes>(sum);
    const float* const from = outputs + r * panels * kWidth;
    if (head.value_bias != nullptr) {
      for (int c = 0; c < head.dim; ++c) query.out[c] = from[c] * factor + head.value_bias[c];
    } else {
      for (int c = 0; c < head.dim; ++c) query.out[c] = from[c] * factor;
    }
  }
};

}  // namespace

RelativePositions::RelativePositions(const float* table, int extent, int dim, Precision precision)
    : extent_(extent) {
  const std::int64_t entries = 2 * extent - 1;
  const float factor = std::sqrt(static_cast<float>(dim));
  std::vector<float> reversed;
  for (std::int64_t i = entries; i-- > 0;)
    for (int c = 0; c < dim; ++c) reversed.push_back(table[i * dim + c] * factor);
  columns_ = PackedWeights(reversed.data(), entries, dim, dim, precision);
}

void attend(const AttentionHead& head) {
  run_simd([&](auto lanes) __attribute__((always_inline)) {
#if defined(MEDLSAM_WIDE_SIMD)
    if constexpr (lanes == 16) {
      if (head.precision == Precision::kBfloat16) return Attend<Bfloat16Product, lanes>{head}.run();
    }
#endif
    Attend<FloatProduct, lanes>{head}.run();
  });
}

}  // namespace medlsam
