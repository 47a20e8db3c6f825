#include "kernels/instance_norm.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace medlsam {
namespace {

constexpr double kEpsilon = 1e-5;

struct Moments {
  double mean = 0, deviation = 0;
};

// Statistics of values[first], values[first + step], …
Moments moments(const std::vector<float>& values, std::int64_t first, std::int64_t step) {
  const auto size = static_cast<std::int64_t>(values.size());
  double sum = 0, squares = 0, count = 0;
  for (std::int64_t i = first; i < size; i += step, ++count) sum += static_cast<double>(values[i]);
  const double mean = sum / count;
  for (std::int64_t i = first; i < size; i += step)
    squares += std::pow(static_cast<double>(values[i]) - mean, 2);
  return {mean, std::sqrt(squares / count + kEpsilon)};
}

std::vector<float> random_values(std::int64_t count) {
  std::mt19937 generator(static_cast<unsigned>(count));
  std::normal_distribution<float> normal(3, 2);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = normal(generator);
  return values;
}

}  // namespace

TEST_CASE("instance normalization of a channel in one piece") {
  for (const std::int64_t count : {1, 31, 4096, 4097, 32768}) {
    const std::vector<float> x = random_values(count);
    std::vector<float> out(x.size());
    instance_norm_relu(x.data(), out.data(), count, static_cast<float>(kEpsilon));
    const auto [mean, deviation] = moments(x, 0, 1);
    double worst = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double wanted = std::max(0.0, (static_cast<double>(x[i]) - mean) / deviation);
      worst = std::max(worst, std::abs(wanted - static_cast<double>(out[i])));
    }
    CHECK(worst < 1e-6);
  }
}

TEST_CASE("instance normalization of alternating channels, and its gradient") {
  for (const std::int64_t channels : {1, 5, 24, 96}) {
    const std::int64_t voxels = 100;
    const std::vector<float> x = random_values(voxels * channels), g = random_values(voxels * channels + 1);
    std::vector<float> sum(channels), squares(channels), mean(channels), scale(channels);
    channels_last::sum_moments(x.data(), x.data(), voxels, channels, sum.data(), squares.data());
    double worst = 0;
    const auto compare = [&](double wanted, float found) {
      worst =
          std::max(worst, std::abs(wanted - static_cast<double>(found)) / std::max(1.0, std::abs(wanted)));
    };
    for (std::int64_t c = 0; c < channels; ++c) {
      const auto [of_channel, deviation] = moments(x, c, channels);
      const double shifted = of_channel - static_cast<double>(x[c]), n = static_cast<double>(voxels);
      compare(shifted * n, sum[c]);
      compare((deviation * deviation - kEpsilon + shifted * shifted) * n, squares[c]);
      mean[c] = static_cast<float>(of_channel);
      scale[c] = static_cast<float>(1 / deviation);
    }
    std::vector<float> y(x.size()), products(channels), out(x.size());
    channels_last::normalize(x.data(), mean.data(), scale.data(), voxels, channels, y.data());
    channels_last::sum_gradients(x.data(), g.data(), mean.data(), scale.data(), voxels, channels, sum.data(),
                                 products.data());
    channels_last::backpropagate(x.data(), g.data(), mean.data(), scale.data(), sum.data(), products.data(),
                                 voxels, channels, out.data());
    std::vector<double> sums(channels), of_products(channels);
    for (std::int64_t i = 0; i < voxels * channels; ++i) {
      const std::int64_t c = i % channels;
      const double h =
          (static_cast<double>(x[i]) - static_cast<double>(mean[c])) * static_cast<double>(scale[c]);
      const double passed = h > 0 ? static_cast<double>(g[i]) : 0;
      compare(std::max(0.0, h), y[i]);
      sums[c] += passed;
      of_products[c] += passed * h;
      compare(static_cast<double>(scale[c]) *
                  (passed - static_cast<double>(sum[c]) - h * static_cast<double>(products[c])),
              out[i]);
    }
    for (std::int64_t c = 0; c < channels; ++c) {
      compare(sums[c], sum[c]);
      compare(of_products[c], products[c]);
    }
    CAPTURE(channels);
    CHECK(worst < 1e-5);
  }
}

}  // namespace medlsam
