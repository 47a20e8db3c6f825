#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "base/error.hpp"
#include "base/simd.hpp"
#include "kernels/gemm.hpp"

namespace medlsam {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr double kRounding = 6e-7;  // of a sum in single precision, as a share of the sum of its terms' sizes

// A linear map of weights as an int8 checkpoint has them.
struct Example {
  std::int64_t rows, in, out;
  std::vector<float> x = {}, weight = {}, bias = {}, residual = {}, y = {};

  void fill(unsigned seed) {
    std::mt19937 generator(seed);
    std::normal_distribution<float> normal;
    std::uniform_int_distribution<int> integer(-127, 127);
    const auto fill_with = [&](std::vector<float>& values, std::int64_t count) {
      values.resize(static_cast<std::size_t>(count));
      for (float& value : values) value = normal(generator);
    };
    fill_with(x, rows * in);
    fill_with(bias, out);
    fill_with(residual, rows * out);
    weight.resize(static_cast<std::size_t>(out * in));
    for (std::int64_t row = 0; row < out; ++row) {
      const float scale = 0.001f * static_cast<float>(1 + row % 11);
      for (std::int64_t k = 0; k < in; ++k)
        weight[row * in + k] = scale * static_cast<float>(k == row % in ? 127 : integer(generator));
    }
  }

  void run(unsigned threads = 1, Activation activation = Activation::kNone) {
    y.assign(static_cast<std::size_t>(rows * out), 0.0f);
    Task task;
    task.threads = threads;
    linear(task, {.data = x.data(), .rows = rows, .stride = in},
           PackedWeights(weight.data(), out, in, in, Precision::kIntegers),
           {.data = y.data(),
            .stride = out,
            .bias = bias.data(),
            .activation = activation,
            .residual = {residual.data(), rows, out}});
  }

  // The greatest error as a share of what rounding inputs to 16 bits, half a step at most each, may do.
  double error(Activation activation) const {
    double worst = 0;
    for (std::int64_t row = 0; row < rows; ++row) {
      float top = 0;
      for (std::int64_t k = 0; k < in; ++k) top = std::max(top, std::abs(x[row * in + k]));
      for (std::int64_t column = 0; column < out; ++column) {
        double sum = bias[column], sizes = 1, steps = 0;
        for (std::int64_t k = 0; k < in; ++k) {
          const double factor = weight[column * in + k];
          sum += x[row * in + k] * factor;
          sizes += std::abs(x[row * in + k] * factor);
          steps += std::abs(factor) * double{top} / 32767;
        }
        if (activation == Activation::kRelu) sum = std::max(sum, 0.0);
        const double wrong = std::abs(sum + residual[row * out + column] - y[row * out + column]);
        worst = std::max(worst, wrong / (steps / 2 + kRounding * sizes));
      }
    }
    return worst;
  }
};

bool same_bytes(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace

TEST_CASE("weights of int8 checkpoints are known, others are none") {
  Example example = {.rows = 1, .in = 40, .out = 9};
  example.fill(1);
  CHECK(fit_integers(example.weight.data(), 9, 40, 40));
  std::fill_n(example.weight.begin() + 40, 40, 0.0f);
  CHECK(fit_integers(example.weight.data(), 9, 40, 40));
  example.weight[3 * 40 + 5] *= 1.01f;
  CHECK_FALSE(fit_integers(example.weight.data(), 9, 40, 40));
  std::fill_n(example.weight.begin() + 3 * 40, 40, kNan);
  CHECK_FALSE(fit_integers(example.weight.data(), 9, 40, 40));
  // The sum of 517 greatest products is more than 32 bits.
  CHECK(fit_integers(std::vector<float>(516, 1.0f).data(), 1, 516, 516));
  CHECK_FALSE(fit_integers(std::vector<float>(517, 1.0f).data(), 1, 517, 517));
}

TEST_CASE("integer products are refused where weights or processor do not fit") {
  const float weight[] = {1, 0.3f, 0, 0};
  CHECK_THROWS_AS(PackedWeights(weight, 1, 2, 2, Precision::kIntegers), Error);
  if (!simd_has_integer_pairs())
    CHECK_THROWS_AS(PackedWeights(weight + 2, 1, 2, 2, Precision::kIntegers), Error);
}

TEST_CASE("integer products are a linear map of inputs rounded to 16 bits") {
  if (!simd_has_integer_pairs()) return;
  std::mt19937 generator(2);
  std::uniform_int_distribution<int> extent(1, 257);
  std::vector<Example> examples = {{1, 1, 1}, {12, 512, 32}, {13, 516, 33}, {300, 128, 50}};
  for (int i = 0; i < 16; ++i) examples.push_back({extent(generator), extent(generator), extent(generator)});
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const Activation activation = i % 2 == 0 ? Activation::kNone : Activation::kRelu;
    Example& example = examples[i];
    example.fill(static_cast<unsigned>(i));
    example.run(1, activation);
    CAPTURE(example.rows);
    CAPTURE(example.in);
    CAPTURE(example.out);
    CHECK(example.error(activation) < 1);
  }
}

TEST_CASE("sums of the greatest integers are exact") {
  if (!simd_has_integer_pairs()) return;
  Example example = {.rows = 3, .in = 516, .out = 2};
  example.fill(3);
  std::fill(example.x.begin(), example.x.end(), 2.5f);
  std::fill_n(example.x.begin() + 516, 516, -2.5f);
  std::fill(example.weight.begin(), example.weight.end(), 1.0f);
  std::fill(example.bias.begin(), example.bias.end(), 0.0f);
  std::fill(example.residual.begin(), example.residual.end(), 0.0f);
  example.run();
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 2; ++column)
      CHECK(example.y[row * 2 + column] == doctest::Approx(row == 1 ? -1290 : 1290).epsilon(5e-7));
  }
}

TEST_CASE("integer products give the same bytes on any number of threads, in any company") {
  if (!simd_has_integer_pairs()) return;
  Example example = {.rows = 300, .in = 130, .out = 600};
  example.fill(4);
  example.run(1, Activation::kGelu);
  const std::vector<float> alone = example.y;
  for (const unsigned threads : {2U, 3U, 16U}) {
    example.run(threads, Activation::kGelu);
    CHECK(same_bytes(alone, example.y));
  }
  Example one = example;
  one.rows = 1;
  for (const std::int64_t row : {0, 7, 299}) {
    one.x.assign(example.x.begin() + row * 130, example.x.begin() + (row + 1) * 130);
    one.residual.assign(example.residual.begin() + row * 600, example.residual.begin() + (row + 1) * 600);
    one.run(1, Activation::kGelu);
    CHECK(same_bytes(one.y, {alone.begin() + row * 600, alone.begin() + (row + 1) * 600}));
  }
}

TEST_CASE("rows of integers that are not finite give NaN, rows of zeros and of tiny values what is added") {
  if (!simd_has_integer_pairs()) return;
  Example example = {.rows = 20, .in = 45, .out = 40};
  example.fill(5);
  example.x[3 * 45 + 44] = kNan;
  example.x[5 * 45 + 8] = -std::numeric_limits<float>::infinity();
  std::fill_n(example.x.begin() + 7 * 45, 45, 0.0f);
  std::fill_n(example.x.begin() + 8 * 45, 45, std::numeric_limits<float>::denorm_min());
  example.run();
  for (std::int64_t row = 0; row < 20; ++row) {
    for (std::int64_t column = 0; column < 40; ++column) {
      const float value = example.y[row * 40 + column];
      CHECK(std::isnan(value) == (row == 3 || row == 5));
      if (row == 7 || row == 8) CHECK(value == example.bias[column] + example.residual[row * 40 + column]);
    }
  }
}

}  // namespace medlsam
