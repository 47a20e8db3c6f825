#include "kernels/elements.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

namespace medlsam {
namespace {

bool same_bytes(const std::vector<float>& a, const std::vector<float>& b) {
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

Task on_threads(unsigned threads) {
  Task task;
  task.threads = threads;
  return task;
}

}  // namespace

TEST_CASE("GELU is x times the normal distribution, everywhere") {
  std::vector<float> x;
  for (int i = -200000; i <= 200000; ++i) x.push_back(static_cast<float>(i) * 5e-5f);
  for (const float far : {-1e30f, -300.0f, -20.0f, 20.0f, 300.0f, 1e30f, 1e-30f, 0.0f}) x.push_back(far);
  std::vector<float> y(x.size());
  gelu(Task{}, x.data(), static_cast<std::int64_t>(x.size()), y.data());
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double wanted = x[i] * 0.5 * std::erfc(-x[i] / std::sqrt(2.0));
    const double wrong = std::abs(wanted - y[i]) / std::max(1.0, std::abs(double{x[i]}));
    worst = wrong <= worst ? worst : wrong;
  }
  CHECK(worst < 2.5e-7);
}

TEST_CASE("GELU of NaN is NaN, of infinity infinity") {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN(),
                  kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> x(37, 1.0f);
  x[3] = x[36] = kNan;
  x[20] = kInfinity;
  gelu(Task{}, x.data(), 37, x.data());
  for (int i = 0; i < 37; ++i) {
    CHECK(std::isnan(x[i]) == (i == 3 || i == 36));
    CHECK((x[i] == kInfinity) == (i == 20));
  }
}

TEST_CASE("GELU gives the same bytes on any number of threads") {
  std::mt19937 generator(1);
  std::normal_distribution<float> normal;
  std::vector<float> x(100001), y(x.size()), z(x.size());
  for (float& value : x) value = normal(generator);
  gelu(on_threads(1), x.data(), 100001, y.data());
  gelu(on_threads(5), x.data(), 100001, z.data());
  CHECK(same_bytes(y, z));
}

TEST_CASE("layer norm is its definition for any length, whatever the mean, on any number of threads") {
  std::mt19937 generator(2);
  std::normal_distribution<float> normal;
  for (const std::int64_t length : {1, 2, 5, 16, 31, 64, 100, 257, 768}) {
    const std::int64_t rows = 200;
    std::vector<float> x(static_cast<std::size_t>(rows * length)), y(x.size()), z(x.size());
    std::vector<float> weight(static_cast<std::size_t>(length)), bias(weight.size());
    for (float& value : x) value = normal(generator) + 100;
    for (float& value : weight) value = normal(generator);
    for (float& value : bias) value = normal(generator);
    const LayerNorm norm = {weight.data(), bias.data(), 1e-3f};
    layer_norm(on_threads(1), x.data(), rows, length, norm, y.data());
    layer_norm(on_threads(3), x.data(), rows, length, norm, z.data());
    CHECK(same_bytes(y, z));
    double worst = 0;
    for (std::int64_t row = 0; row < rows; ++row) {
      const float* from = &x[row * length];
      double mean = 0, variance = 0;
      for (std::int64_t i = 0; i < length; ++i) mean += from[i] / static_cast<double>(length);
      for (std::int64_t i = 0; i < length; ++i)
        variance += (from[i] - mean) * (from[i] - mean) / static_cast<double>(length);
      for (std::int64_t i = 0; i < length; ++i) {
        const double wanted = (from[i] - mean) / std::sqrt(variance + double{1e-3f}) * weight[i] + bias[i];
        const double wrong = std::abs(wanted - y[row * length + i]) / (1 + std::abs(wanted));
        worst = wrong <= worst ? worst : wrong;
      }
    }
    CAPTURE(length);
    // The mean of values near 100 is rounded to 4e-6 and more; the deviation may be small for few values.
    CHECK(worst < 3e-4);
  }
}

}  // namespace medlsam
