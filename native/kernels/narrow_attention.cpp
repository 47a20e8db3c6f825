#include "kernels/narrow_attention.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "kernels/register_blocks.hpp"
#include "kernels/scratch.hpp"
#include "kernels/transpose.hpp"

namespace medlsam {
namespace {

using registers::load;
using registers::power_of_two;
using registers::store;
using registers::sum_of;
using registers::transpose_columns;
using registers::unrolled;
using registers::Vector;

constexpr float kNone = -std::numeric_limits<float>::infinity();

// Turns e to the x into 2 to the x, and scales the scores.
float scale_of(const NarrowAttention& attention) {
  return std::numbers::log2e_v<float> / std::sqrt(static_cast<float>(attention.dim));
}

// Rows at `from`, the last of which stands for those that there are not.
MEDLSAM_INLINE auto rows_of(const float* from, std::int64_t count, std::int64_t width) {
  return [=](int i) __attribute__((always_inline)) {
    return from + std::min<std::int64_t>(i, count - 1) * width;
  };
}

// Some queries in the lanes of a vector at a time.
template <int kLanes>
struct ToFew {
  static constexpr int kAtOnce = 4;  // keys or features, whose sums do not wait for each other

  const NarrowAttention& attention;
  const std::int64_t width = attention.heads * attention.dim, stride = attention.stride;
  float *asked = nullptr, *answers = nullptr;  // (width, kLanes)

  MEDLSAM_INLINE void run() {
    Scratch scratch;
    for (int pass = 0; pass < 2; ++pass) {
      if (pass == 1) scratch.begin();
      asked = scratch.take(width * kLanes);
      answers = scratch.take((width + kAtOnce) * kLanes);
    }
    for (std::int64_t first = 0; first < attention.queries; first += kLanes) {
      const std::int64_t count = std::min<std::int64_t>(kLanes, attention.queries - first);
      transpose_columns<kLanes>(rows_of(attention.q + first * stride, count, stride), width, asked, kLanes);
      for (std::int64_t head = 0; head < attention.heads; ++head) answer(head * attention.dim);
      give(count, attention.out + first * stride);
    }
  }

  // The answers to the head whose features begin with this channel.
  MEDLSAM_INLINE void answer(std::int64_t channel) const {
    Vector<kLanes> weights[kFewTokens], top = Vector<kLanes>{} + kNone, sum{};
    for (std::int64_t key = 0; key < attention.keys; key += kAtOnce) score(channel, key, weights + key);
    for (std::int64_t key = 0; key < attention.keys; ++key) top = top < weights[key] ? weights[key] : top;
    const float scale = scale_of(attention);
    for (std::int64_t key = 0; key < attention.keys; ++key) {
      weights[key] = (weights[key] - top) * scale;
      power_of_two<kLanes>(weights[key]);
      sum += weights[key];
    }
    const Vector<kLanes> factor = 1.0f / sum;
    for (std::int64_t c = 0; c < attention.dim; c += kAtOnce) weigh(channel + c, weights, factor);
  }

  MEDLSAM_INLINE void score(std::int64_t channel, std::int64_t key, Vector<kLanes>* scores) const {
    const float* rows[kAtOnce];
    for (int i = 0; i < kAtOnce; ++i)
      rows[i] = attention.k + std::min(key + i, attention.keys - 1) * stride + channel;
    Vector<kLanes> sums[kAtOnce] = {}, feature;
    for (std::int64_t c = 0; c < attention.dim; ++c) {
      load<kLanes>(feature, asked + (channel + c) * kLanes);
      unrolled<kAtOnce>([&](auto i) __attribute__((always_inline)) { sums[i] += rows[i][c] * feature; });
    }
    unrolled<kAtOnce>([&](auto i) __attribute__((always_inline)) { scores[i] = sums[i]; });
  }

  // Features of the answer from this channel on. Those behind the last of a head are overwritten by the next.
  MEDLSAM_INLINE void weigh(std::int64_t channel, const Vector<kLanes>* weights,
                            const Vector<kLanes>& factor) const {
    std::int64_t channels[kAtOnce];
    for (int i = 0; i < kAtOnce; ++i) channels[i] = std::min(channel + i, width - 1);
    Vector<kLanes> sums[kAtOnce] = {};
    for (std::int64_t key = 0; key < attention.keys; ++key) {
      const float* const value = attention.v + key * stride;
      unrolled<kAtOnce>([&](auto i)
                            __attribute__((always_inline)) { sums[i] += value[channels[i]] * weights[key]; });
    }
    unrolled<kAtOnce>([&](auto i) __attribute__((always_inline)) {
      store<kLanes>(sums[i] * factor, answers + (channel + i) * kLanes);
    });
  }

  MEDLSAM_INLINE void give(std::int64_t count, float* out) const {
    std::int64_t c = 0;
    for (; count == kLanes && c + kLanes <= width; c += kLanes)
      registers::transpose<kLanes>(answers + c * kLanes, kLanes, out + c, stride);
    for (; c < width; ++c)
      for (std::int64_t i = 0; i < count; ++i) out[i * stride + c] = answers[c * kLanes + i];
  }
};

// Some keys in the lanes of vectors at a time, with softmax as in attention.cpp: what was summed is scaled
// down whenever a greater score is found.
template <int kLanes>
struct FromFew {
  static constexpr std::int64_t kKeys = 256;                // at a time
  static constexpr int kQueries = kLanes == 16 ? 4 : 2;     // at a time; with four features their sums are
  static constexpr int kFeatures = 4;                       // 16 of 32 registers, or 8 of 16
  static constexpr std::int64_t kRow = kKeys + 2 * kLanes;  // not a power of two: see gemm_block.hpp

  const NarrowAttention& attention;
  const std::int64_t width = attention.heads * attention.dim, stride = attention.stride;
  const std::int64_t rows = registers::round_up(attention.queries, kQueries), columns = width + kFeatures;
  const float scale = scale_of(attention);
  float *keys = nullptr, *values = nullptr;  // (width and some, kRow)
  float* weights = nullptr;                  // (kQueries, kRow)
  float* sums = nullptr;                     // of values: (queries and some, width and some, kLanes)
  float* totals = nullptr;                   // of weights: (heads, queries and some, kLanes)
  float* tops = nullptr;                     // (heads, queries and some)

  MEDLSAM_INLINE void run() {
    Scratch scratch;
    allocate(scratch);
    scratch.begin();
    allocate(scratch);
    std::fill_n(tops, attention.heads * rows, kNone);
    std::fill_n(totals, attention.heads * rows * kLanes, 0.0f);
    std::fill_n(sums, rows * columns * kLanes, 0.0f);
    std::fill_n(values, columns * kRow, 0.0f);
    for (std::int64_t first = 0; first < attention.keys; first += kKeys) {
      const std::int64_t count = std::min(kKeys, attention.keys - first);
      take(attention.k + first * stride, count, keys);
      take(attention.v + first * stride, count, values);
      for (std::int64_t head = 0; head < attention.heads; ++head)
        for (std::int64_t query = 0; query < attention.queries; query += kQueries) add(head, query, count);
    }
    for (std::int64_t query = 0; query < attention.queries; ++query)
      for (std::int64_t c = 0; c < width; ++c) give(query, c, attention.out + query * stride + c);
  }

  MEDLSAM_INLINE void allocate(Scratch& scratch) {
    keys = scratch.take(columns * kRow);
    values = scratch.take(columns * kRow);
    weights = scratch.take(kQueries * kRow);
    sums = scratch.take(rows * columns * kLanes);
    totals = scratch.take(attention.heads * rows * kLanes);
    tops = scratch.take(attention.heads * rows);
  }

  // Rows as columns.
  MEDLSAM_INLINE void take(const float* from, std::int64_t count, float* to) const {
    for (std::int64_t i = 0; i < count; i += kLanes)
      transpose_columns<kLanes>(rows_of(from + i * stride, count - i, stride), width, to + i, kRow);
  }

  // Adds the shares of `count` keys to some queries' sums.
  MEDLSAM_INLINE void add(std::int64_t head, std::int64_t query, std::int64_t count) {
    Vector<kLanes> highest[kQueries];
    score(head * attention.dim, query, count, highest);
    for (int i = 0; i < kQueries; ++i) {
      const std::int64_t row = head * rows + query + i;
      const float found = registers::highest_of<kLanes>(highest[i]);
      const float top = tops[row] < found ? found : tops[row];
      Vector<kLanes> total, value;
      load<kLanes>(total, totals + row * kLanes);
      if (top != tops[row] && tops[row] != kNone) scale_down(head, query + i, tops[row] - top, total);
      tops[row] = top;
      for (std::int64_t key = 0; key < count; key += kLanes) {
        load<kLanes>(value, weights + i * kRow + key);
        value = (value - top) * scale;
        power_of_two<kLanes>(value);
        total += value;
        store<kLanes>(value, weights + i * kRow + key);
      }
      store<kLanes>(total, totals + row * kLanes);
    }
    for (std::int64_t c = 0; c < attention.dim; c += kFeatures)
      weigh(head * attention.dim + c, std::min<std::int64_t>(kFeatures, attention.dim - c), query, count);
  }

  MEDLSAM_INLINE void score(std::int64_t channel, std::int64_t query, std::int64_t count,
                            Vector<kLanes> (&highest)[kQueries]) const {
    const float* asked[kQueries];
    for (int i = 0; i < kQueries; ++i)
      asked[i] = attention.q + std::min(query + i, attention.queries - 1) * stride + channel;
    for (auto& each : highest) each = Vector<kLanes>{} + kNone;
    for (std::int64_t key = 0; key < count; key += kLanes) {
      Vector<kLanes> scores[kQueries] = {}, feature;
      for (std::int64_t c = 0; c < attention.dim; ++c) {
        load<kLanes>(feature, keys + (channel + c) * kRow + key);
        unrolled<kQueries>([&](auto i)
                               __attribute__((always_inline)) { scores[i] += asked[i][c] * feature; });
      }
      unrolled<kQueries>([&](auto i) __attribute__((always_inline)) {
        for (std::int64_t lane = count - key; lane < kLanes; ++lane) scores[i][lane] = kNone;
        highest[i] = highest[i] < scores[i] ? scores[i] : highest[i];
        store<kLanes>(scores[i], weights + i * kRow + key);
      });
    }
  }

  // Multiplies what a query's head has summed by e to the `difference`, which is not scaled yet.
  MEDLSAM_INLINE void scale_down(std::int64_t head, std::int64_t query, float difference,
                                 Vector<kLanes>& total) const {
    Vector<kLanes> factor = Vector<kLanes>{} + difference * scale, value;
    power_of_two<kLanes>(factor);
    total *= factor;
    float* const sum = sums + (query * columns + head * attention.dim) * kLanes;
    for (std::int64_t c = 0; c < attention.dim; ++c) {
      load<kLanes>(value, sum + c * kLanes);
      store<kLanes>(value * factor, sum + c * kLanes);
    }
  }

  // `some` features from this channel on.
  MEDLSAM_INLINE void weigh(std::int64_t channel, std::int64_t some, std::int64_t query,
                            std::int64_t count) const {
    Vector<kLanes> total[kQueries][kFeatures] = {};
    for (std::int64_t key = 0; key < count; key += kLanes) {
      Vector<kLanes> value[kFeatures], weight;
      unrolled<kFeatures>([&](auto c) __attribute__((always_inline)) {
        load<kLanes>(value[c], values + (channel + c) * kRow + key);
      });
      unrolled<kQueries>([&](auto i) __attribute__((always_inline)) {
        load<kLanes>(weight, weights + i * kRow + key);
        unrolled<kFeatures>([&](auto c) __attribute__((always_inline)) { total[i][c] += weight * value[c]; });
      });
    }
    for (int i = 0; i < kQueries; ++i) {
      for (std::int64_t c = 0; c < some; ++c) {
        float* const sum = sums + ((query + i) * columns + channel + c) * kLanes;
        Vector<kLanes> before;
        load<kLanes>(before, sum);
        store<kLanes>(before + total[i][c], sum);
      }
    }
  }

  MEDLSAM_INLINE void give(std::int64_t query, std::int64_t c, float* out) const {
    Vector<kLanes> sum, total;
    load<kLanes>(sum, sums + (query * columns + c) * kLanes);
    load<kLanes>(total, totals + (c / attention.dim * rows + query) * kLanes);
    *out = sum_of<kLanes>(sum) / sum_of<kLanes>(total);
  }
};

}  // namespace

void attend_to_few(const NarrowAttention& attention) {
  run_simd([&](auto lanes) __attribute__((always_inline)) { ToFew<lanes>{attention}.run(); });
}

void attend_from_few(const NarrowAttention& attention) {
  run_simd([&](auto lanes) __attribute__((always_inline)) { FromFew<lanes>{attention}.run(); });
}

}  // namespace medlsam
