#include "kernels/gemm.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "base/error.hpp"
#include "base/simd.hpp"

namespace medlsam {
namespace {

constexpr float kUntouched = -12345.0f;
// Of a sum in single precision, as a share of the sum of its terms' sizes.
constexpr double kRounding = 6e-7;

std::vector<float> normal_values(std::mt19937& generator, std::int64_t count, float deviation = 1) {
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = normal(generator);
  return values;
}

// The nearest bfloat16, half to even: arithmetic on the value and not on its bits.
float rounded_to_bfloat16(float value) {
  if (value == 0) return value;
  int exponent = 0;
  std::frexp(value, &exponent);
  const float unit = std::ldexp(1.0f, exponent - 8);
  return std::nearbyint(value / unit) * unit;
}

double gelu_of(double x) {
  return x * 0.5 * std::erfc(-x / std::sqrt(2.0));
}

Task on_threads(unsigned threads) {
  Task task;
  task.threads = threads;
  return task;
}

// A linear map of random values with the ends that are switched on, and its definition in double precision.
struct Example {
  std::int64_t rows, in, out, added_rows = 1, residual_rows = 1;
  bool norm = false, added = false, bias = false, residual = false;
  Activation activation = Activation::kNone;
  Precision precision = Precision::kFloat32;
  // Of rows in memory, beyond their values.
  std::int64_t gap = 0;
  std::vector<float> x = {}, weight = {}, plus = {}, norm_weight = {}, norm_bias = {}, bias_values = {},
                     residuals = {}, y = {};

  void fill(unsigned seed) {
    std::mt19937 generator(seed);
    x = normal_values(generator, rows * (in + gap));
    weight = normal_values(generator, out * (in + gap));
    plus = normal_values(generator, added_rows * (in + gap));
    norm_weight = normal_values(generator, in);
    norm_bias = normal_values(generator, in);
    bias_values = normal_values(generator, out);
    residuals = normal_values(generator, residual_rows * (out + gap));
    y.assign(static_cast<std::size_t>(rows * (out + gap)), kUntouched);
  }

  void run(unsigned threads = 1) {
    const PackedWeights packed(weight.data(), out, in, in + gap, precision);
    const LayerNorm layer_norm = {norm_weight.data(), norm_bias.data(), 1e-5f};
    LinearInput input = {.data = x.data(), .rows = rows, .stride = in + gap};
    if (added) input.added = {plus.data(), added_rows, in + gap};
    if (norm) input.norm = &layer_norm;
    LinearOutput output = {.data = y.data(), .stride = out + gap, .activation = activation};
    if (bias) output.bias = bias_values.data();
    if (residual) output.residual = {residuals.data(), residual_rows, out + gap};
    linear(on_threads(threads), input, packed, output);
  }

  std::vector<double> input_row(std::int64_t row) const {
    std::vector<double> values;
    for (std::int64_t k = 0; k < in; ++k)
      values.push_back(double{x[row * (in + gap) + k]} +
                       (added ? plus[row % added_rows * (in + gap) + k] : 0.0f));
    if (!norm) return values;
    double mean = 0, variance = 0;
    for (const double value : values) mean += value / static_cast<double>(in);
    for (const double value : values) variance += (value - mean) * (value - mean) / static_cast<double>(in);
    for (std::int64_t k = 0; k < in; ++k)
      values[k] = (values[k] - mean) / std::sqrt(variance + 1e-5) * norm_weight[k] + norm_bias[k];
    return values;
  }

  double factor(double value) const {
    return precision == Precision::kBfloat16 ? rounded_to_bfloat16(static_cast<float>(value)) : value;
  }

  double end(double sum, std::int64_t row, std::int64_t column) const {
    if (bias) sum += bias_values[column];
    if (activation == Activation::kRelu) sum = std::max(sum, 0.0);
    if (activation == Activation::kGelu) sum = gelu_of(sum);
    return residual ? sum + residuals[row % residual_rows * (out + gap) + column] : sum;
  }

  // The greatest error as a share of the sum of the terms' sizes; infinite where a gap was written to.
  double error() const {
    double worst = 0;
    for (std::int64_t row = 0; row < rows; ++row) {
      const std::vector<double> from = input_row(row);
      for (std::int64_t column = 0; column < out; ++column) {
        double sum = 0, size = 1;
        for (std::int64_t k = 0; k < in; ++k) {
          const double term = factor(from[k]) * factor(weight[column * (in + gap) + k]);
          sum += term;
          size += std::abs(term);
        }
        const double wrong = std::abs(end(sum, row, column) - y[row * (out + gap) + column]) / size;
        worst = wrong <= worst ? worst : wrong;
      }
      for (std::int64_t column = out; column < out + gap; ++column)
        if (y[row * (out + gap) + column] != kUntouched) return std::numeric_limits<double>::infinity();
    }
    return worst;
  }
};

bool same_bytes(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace

TEST_CASE("a linear map of any shape is its definition") {
  std::mt19937 generator(7);
  std::uniform_int_distribution<int> extent(1, 257), gap(0, 3);
  std::vector<Example> examples = {{1, 1, 1},    {12, 256, 32}, {13, 257, 33}, {11, 255, 31},
                                   {6, 512, 16}, {257, 17, 5},  {49, 600, 40}};
  for (int i = 0; i < 24; ++i) examples.push_back({extent(generator), extent(generator), extent(generator)});
  for (std::size_t i = 0; i < examples.size(); ++i) {
    Example& example = examples[i];
    example.gap = gap(generator);
    example.fill(static_cast<unsigned>(i));
    example.run();
    CAPTURE(example.rows);
    CAPTURE(example.in);
    CAPTURE(example.out);
    CHECK(example.error() < kRounding);
  }
}

TEST_CASE("a linear map's ends are applied in their order") {
  for (const Activation activation : {Activation::kNone, Activation::kRelu, Activation::kGelu}) {
    for (int ends = 0; ends < 16; ++ends) {
      Example example = {.rows = 29, .in = 75, .out = 50, .added_rows = 29, .residual_rows = 29};
      example.activation = activation;
      example.norm = ends & 1;
      example.added = ends & 2;
      example.bias = ends & 4;
      example.residual = ends & 8;
      example.gap = 2;
      example.fill(static_cast<unsigned>(ends));
      example.run();
      CAPTURE(ends);
      CHECK(example.error() < kRounding);
    }
  }
}

TEST_CASE("what is added to a linear map's ends serves a whole batch") {
  Example example = {.rows = 30, .in = 40, .out = 24, .added_rows = 10, .residual_rows = 6};
  example.added = example.residual = true;
  example.fill(3);
  example.run();
  CHECK(example.error() < kRounding);
}

TEST_CASE("a linear map adds to its output in place") {
  Example example = {.rows = 40, .in = 64, .out = 70, .residual_rows = 40};
  example.residual = true;
  example.fill(4);
  example.y = example.residuals;
  const PackedWeights packed(example.weight.data(), 70, 64, 64);
  linear(on_threads(2), {.data = example.x.data(), .rows = 40, .stride = 64}, packed,
         {.data = example.y.data(), .stride = 70, .residual = {example.y.data(), 40, 70}});
  CHECK(example.error() < kRounding);
}

TEST_CASE("a linear map gives the same bytes on any number of threads") {
  for (const Precision precision : {Precision::kFloat32, Precision::kBfloat16}) {
    if (precision == Precision::kBfloat16 && !simd_has_bfloat16()) continue;
    for (const std::int64_t rows : {1, 13, 300}) {
      Example example = {.rows = rows, .in = 400, .out = 1000, .added_rows = rows};
      example.norm = example.added = true;
      example.activation = Activation::kGelu;
      example.precision = precision;
      example.fill(5);
      example.run(1);
      const std::vector<float> alone = example.y;
      for (const unsigned threads : {2U, 3U, 16U}) {
        std::fill(example.y.begin(), example.y.end(), kUntouched);
        example.run(threads);
        CHECK(same_bytes(alone, example.y));
      }
    }
  }
}

TEST_CASE("a row's values do not depend on the other rows") {
  Example many = {.rows = 37, .in = 300, .out = 90};
  many.fill(6);
  many.run();
  for (std::int64_t row = 0; row < many.rows; ++row) {
    Example one = {.rows = 1, .in = 300, .out = 90};
    one.fill(6);
    std::copy_n(many.x.begin() + row * 300, 300, one.x.begin());
    one.weight = many.weight;
    one.run();
    CHECK(same_bytes(one.y, {many.y.begin() + row * 90, many.y.begin() + (row + 1) * 90}));
  }
}

TEST_CASE("bfloat16 products are exact and summed in single precision") {
  if (!simd_has_bfloat16()) {
    const float weight = 1;
    CHECK_THROWS_AS(PackedWeights(&weight, 1, 1, 1, Precision::kBfloat16), Error);
    return;
  }
  std::mt19937 generator(8);
  std::uniform_int_distribution<int> extent(1, 257);
  for (int i = 0; i < 16; ++i) {
    // 1100 values are more words than a block's depth.
    Example example = {
        .rows = extent(generator), .in = i == 0 ? 1100 : extent(generator), .out = extent(generator)};
    example.precision = Precision::kBfloat16;
    example.gap = 1;
    example.fill(static_cast<unsigned>(i));
    example.run();
    CAPTURE(example.in);
    CHECK(example.error() < kRounding);
  }
}

TEST_CASE("NaN and infinity reach the values that depend on them, and no others") {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN(),
                  kInfinity = std::numeric_limits<float>::infinity();
  for (const Precision precision : {Precision::kFloat32, Precision::kBfloat16}) {
    if (precision == Precision::kBfloat16 && !simd_has_bfloat16()) continue;
    for (const Activation activation : {Activation::kNone, Activation::kRelu, Activation::kGelu}) {
      Example example = {.rows = 20, .in = 30, .out = 40};
      example.activation = activation;
      example.precision = precision;
      example.fill(9);
      std::fill(example.weight.begin(), example.weight.end(), 1.0f);
      example.x[3 * 30 + 7] = kNan;
      example.x[5 * 30 + 8] = kInfinity;
      example.run();
      for (std::int64_t row = 0; row < 20; ++row) {
        for (std::int64_t column = 0; column < 40; ++column) {
          const float value = example.y[row * 40 + column];
          CHECK(std::isnan(value) == (row == 3));
          CHECK((value == kInfinity) == (row == 5));
        }
      }
    }
  }
}

TEST_CASE("an empty matrix gives an empty result, a linear map without values is refused") {
  const float weight[] = {1, 2};
  const PackedWeights packed(weight, 2, 1, 1);
  float y = kUntouched;
  linear(Task{}, {.data = nullptr, .rows = 0, .stride = 1}, packed, {.data = &y, .stride = 2});
  CHECK(y == kUntouched);
  CHECK_THROWS_AS(PackedWeights(weight, 0, 2, 2), Error);
  CHECK_THROWS_AS(PackedWeights(weight, 2, 0, 0), Error);
}

}  // namespace medlsam
