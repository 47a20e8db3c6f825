#include "kernels/attention.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "base/simd.hpp"

namespace medlsam {
namespace {

std::vector<float> random_values(std::mt19937& generator, int count, float deviation) {
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = normal(generator);
  return values;
}

// One head over a grid of keys whose last row and column are padding; every cell is asked.
struct Example {
  int lines, line, dim;
  bool relative;
  Precision precision = Precision::kFloat32;
  std::vector<float> q, k, v, query_bias, value_bias, tall, wide, out;

  Example(int lines_, int line_, int dim_, bool relative_)
      : lines(lines_), line(line_), dim(dim_), relative(relative_) {
    std::mt19937 generator(static_cast<unsigned>(lines * 100 + line));
    for (auto* values : {&q, &k, &v}) *values = random_values(generator, cells() * dim, 1);
    for (auto* values : {&query_bias, &value_bias}) *values = random_values(generator, dim, 0.5f);
    tall = random_values(generator, (2 * lines - 1) * dim, 0.3f);
    wide = random_values(generator, (2 * line - 1) * dim, 0.3f);
    out.assign(q.size(), 0.0f);
  }

  int cells() const { return lines * line; }
  bool padding(int cell) const { return relative && (cell / line == lines - 1 || cell % line == line - 1); }
  float key(int cell, int c) const { return padding(cell) ? 0.0f : k[cell * dim + c]; }
  float value(int cell, int c) const { return padding(cell) ? 0.0f : v[cell * dim + c]; }

  // Asks every `step`th cell.
  void run(int step = 1) {
    std::vector<AttentionQuery> queries;
    std::vector<AttentionKey> keys;
    for (int i = 0; i < cells(); ++i) {
      if (i % step == 0) queries.push_back({&q[i * dim], &out[i * dim], i / line, i % line});
      keys.push_back(padding(i) ? AttentionKey{nullptr, nullptr} : AttentionKey{&k[i * dim], &v[i * dim]});
    }
    const RelativePositions vertical(tall.data(), lines, dim, precision),
        horizontal(wide.data(), line, dim, precision);
    attend({dim, queries, keys, line, query_bias.data(), value_bias.data(), relative ? &vertical : nullptr,
            relative ? &horizontal : nullptr, precision});
  }

  double score(int from, int to) const {
    double sum = 0;
    for (int c = 0; c < dim; ++c) {
      const double asked = q[from * dim + c] + query_bias[c];
      sum += asked * key(to, c) / std::sqrt(dim);
      if (relative) {
        sum += asked * tall[(from / line - to / line + lines - 1) * dim + c];
        sum += asked * wide[(from % line - to % line + line - 1) * dim + c];
      }
    }
    return sum;
  }

  // The largest error, against the definition in double precision.
  double error() const {
    double worst = 0;
    for (int from = 0; from < cells(); ++from) {
      std::vector<double> weights(static_cast<std::size_t>(cells()));
      double sum = 0;
      for (int to = 0; to < cells(); ++to) sum += weights[to] = std::exp(score(from, to));
      for (int c = 0; c < dim; ++c) {
        double wanted = value_bias[c];
        for (int to = 0; to < cells(); ++to) wanted += weights[to] / sum * value(to, c);
        const double difference = std::abs(wanted - out[from * dim + c]);
        worst = difference <= worst ? worst : difference;
      }
    }
    return worst;
  }
};

}  // namespace

TEST_CASE("attention is softmax of scores times values") {
  // Widths of SAM's heads and odd ones; lines of whole vectors, of less than one and of a bit more.
  // 13 lines of 40 are more keys than a block, which ends within a line.
  const std::array<int, 3> sizes[] = {{14, 14, 64}, {16, 16, 80}, {7, 7, 16},   {5, 9, 5},
                                      {3, 33, 64},  {1, 1, 3},    {13, 40, 24}, {2, 300, 8}};
  for (const auto& size : sizes) {
    for (const bool relative : {false, true}) {
      Example example(size[0], size[1], size[2], relative);
      example.run();
      CAPTURE(size[0]);
      CAPTURE(relative);
      CHECK(example.error() < 2e-5);
    }
  }
}

TEST_CASE("attention in bfloat16 is off by the rounding of its factors") {
  if (!simd_has_bfloat16()) return;
  const std::array<int, 3> sizes[] = {{14, 14, 64}, {5, 9, 5}, {13, 40, 24}, {1, 1, 3}};
  for (const auto& size : sizes) {
    for (const bool relative : {false, true}) {
      Example example(size[0], size[1], size[2], relative);
      example.precision = Precision::kBfloat16;
      example.run();
      CAPTURE(size[0]);
      CAPTURE(relative);
      CHECK(example.error() < 5e-2);
    }
  }
}

TEST_CASE("a query's answer does not depend on the other queries") {
  Example all(13, 40, 24, true), some = all;
  all.run();
  some.run(3);
  for (int i = 0; i < all.cells() * all.dim; ++i) {
    const bool asked = i / all.dim % 3 == 0;
    CHECK((asked ? some.out[i] : 0.0f) == (asked ? all.out[i] : 0.0f));
  }
}

TEST_CASE("a NaN in a key spreads to all queries, one in a query to that one") {
  Example example(4, 16, 8, false);
  example.q[3 * 8 + 1] = std::numeric_limits<float>::quiet_NaN();
  example.run();
  for (int i = 0; i < example.cells() * 8; ++i) CHECK(std::isnan(example.out[i]) == (i / 8 == 3));
  example.k[60 * 8] = std::numeric_limits<float>::quiet_NaN();
  example.run();
  for (const float value : example.out) CHECK(std::isnan(value));
}

TEST_CASE("attention holds with scores far apart") {
  Example example(4, 16, 32, false);
  for (float& value : example.q) value *= 100;
  example.run();
  // The sums themselves are of single precision.
  CHECK(example.error() < 1e-3);
}

}  // namespace medlsam
