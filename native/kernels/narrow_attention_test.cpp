#include "kernels/narrow_attention.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "kernels/attention_layouts.hpp"

namespace medlsam {
namespace {

// Tokens of one batch entry whose rows are wider than the heads asked for.
struct Example {
  std::int64_t queries, keys, heads, dim, stride;
  std::vector<float> q, k, v, out;

  Example(std::int64_t queries_, std::int64_t keys_, std::int64_t heads_, std::int64_t dim_)
      : queries(queries_), keys(keys_), heads(heads_), dim(dim_), stride(heads * dim + 3) {
    std::mt19937 generator(static_cast<unsigned>(queries * 1000 + keys + dim));
    std::normal_distribution<float> normal(0, 1.5f);
    q.resize(static_cast<std::size_t>(queries * stride));
    k.resize(static_cast<std::size_t>(keys * stride));
    v.resize(k.size());
    for (auto* values : {&q, &k, &v})
      for (float& value : *values) value = normal(generator);
  }

  void run(void (*attend)(const NarrowAttention&)) {
    out.assign(q.size(), -1.0f);
    attend({q.data(), k.data(), v.data(), out.data(), queries, keys, stride, heads, dim});
  }

  // The largest error, against the definition in double precision; infinite where a value between the rows
  // was touched.
  double error() const {
    double worst = 0;
    for (std::int64_t i = 0; i < queries; ++i) {
      for (std::int64_t c = 0; c < stride; ++c) {
        const double wanted = c < heads * dim ? answer(i, c) : -1;
        const double difference = std::abs(wanted - out[static_cast<std::size_t>(i * stride + c)]);
        worst = difference <= worst ? worst : difference;
      }
    }
    return worst;
  }

  double answer(std::int64_t query, std::int64_t channel) const {
    const std::int64_t first = channel / dim * dim;
    double sum = 0, total = 0;
    for (std::int64_t key = 0; key < keys; ++key) {
      double score = 0;
      for (std::int64_t c = first; c < first + dim; ++c)
        score += static_cast<double>(q[static_cast<std::size_t>(query * stride + c)]) *
                 k[static_cast<std::size_t>(key * stride + c)];
      const double weight = std::exp(score / std::sqrt(static_cast<double>(dim)));
      total += weight;
      sum += weight * v[static_cast<std::size_t>(key * stride + channel)];
    }
    return sum / total;
  }
};

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

}  // namespace

TEST_CASE("many tokens attend to few, and few to many, as softmax of scores times values") {
  for (const std::int64_t many : {1, 5, 16, 33, 256, 300, 777}) {
    for (const std::int64_t few : {1, 3, 7, 16}) {
      for (const std::int64_t dim : {1, 4, 7, 16, 32}) {
        const std::int64_t heads = dim == 32 ? 1 : dim == 4 ? 8 : 3;
        CAPTURE(many);
        CAPTURE(few);
        CAPTURE(dim);
        Example to_few(many, few, heads, dim);
        to_few.run(attend_to_few);
        CHECK(to_few.error() < 1e-5);
        Example from_few(few, many, heads, dim);
        from_few.run(attend_from_few);
        CHECK(from_few.error() < 1e-5);
      }
    }
  }
}

TEST_CASE("attention of few tokens holds with scores far apart, the greatest first or last") {
  Example example(5, 700, 2, 8);
  for (std::int64_t key : {3, 650}) {
    for (std::int64_t c = 0; c < example.stride; ++c)
      example.k[static_cast<std::size_t>(key * example.stride + c)] *= 30;
    example.run(attend_from_few);
    CHECK(example.error() < 1e-4);
  }
}

TEST_CASE("a NaN in a key of few tokens' attention spreads to all queries, one in a query to that one") {
  const auto check = [](Example example, void (*attend)(const NarrowAttention&)) {
    example.q[static_cast<std::size_t>(2 * example.stride + 1)] = kNaN;
    example.run(attend);
    for (std::int64_t i = 0; i < example.queries; ++i)
      CHECK(std::isnan(example.out[static_cast<std::size_t>(i * example.stride)]) == (i == 2));
    example.k[static_cast<std::size_t>((example.keys - 1) * example.stride)] = kNaN;
    example.run(attend);
    for (std::int64_t i = 0; i < example.queries; ++i)
      CHECK(std::isnan(example.out[static_cast<std::size_t>(i * example.stride)]));
  };
  check(Example(40, 5, 1, 4), attend_to_few);
  check(Example(5, 300, 1, 4), attend_from_few);
}

TEST_CASE("a batch of tokens attends entry by entry, to its own or to shared ones") {
  for (const bool shared : {false, true}) {
    for (const bool to_few : {false, true}) {
      const std::int64_t batch = 3, heads = 8, dim = 4, width = heads * dim;
      const std::int64_t queries = to_few ? 600 : 7, keys = to_few ? 7 : 600, entries = shared ? 1 : batch;
      const Example all(batch * queries, batch * keys, heads, dim);
      std::vector<float> out(static_cast<std::size_t>(batch * queries * width));
      const TokenAttention attention = {.q = all.q.data(),
                                        .k = all.k.data(),
                                        .v = all.v.data(),
                                        .out = out.data(),
                                        .query_batch = batch,
                                        .key_batch = entries,
                                        .queries = queries,
                                        .keys = keys,
                                        .width = width,
                                        .heads = heads};
      for (std::int64_t item = 0; item < attention.items(); ++item) attention.run(item);
      for (std::int64_t n = 0; n < batch; ++n) {
        std::vector<float> alone(static_cast<std::size_t>(queries * width));
        const std::int64_t own = shared ? 0 : n * keys * width;
        const NarrowAttention one = {all.q.data() + n * queries * width,
                                     all.k.data() + own,
                                     all.v.data() + own,
                                     alone.data(),
                                     queries,
                                     keys,
                                     width,
                                     heads,
                                     dim};
        to_few ? attend_to_few(one) : attend_from_few(one);
        CHECK(std::equal(alone.begin(), alone.end(), out.begin() + n * queries * width));
      }
    }
  }
}

}  // namespace medlsam
