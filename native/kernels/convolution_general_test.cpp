#include "kernels/convolution_general.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "base/error.hpp"

namespace medlsam {
namespace {

struct Example {
  std::int64_t batch, channels, out;
  Extents extents, kernel, padding;
  bool with_bias = true;
  std::vector<float> image = {}, weight = {}, bias = {}, result = {};

  void fill(unsigned seed) {
    std::mt19937 generator(seed);
    std::normal_distribution<float> normal;
    image.resize(static_cast<std::size_t>(batch * channels * extents[0] * extents[1] * extents[2]));
    weight.resize(static_cast<std::size_t>(out * channels * kernel[0] * kernel[1] * kernel[2]));
    bias.resize(static_cast<std::size_t>(out));
    for (auto* values : {&image, &weight, &bias})
      for (float& value : *values) value = normal(generator);
  }

  Extents to() const { return convolved_extents(extents, kernel, padding); }

  void run(unsigned threads = 1) {
    const ConvolutionWeights weights(weight.data(), out, channels, kernel);
    result.assign(static_cast<std::size_t>(batch * out * to()[0] * to()[1] * to()[2]), -1.0f);
    Task task;
    task.threads = threads;
    convolve(task, batch, image.data(), extents, weights, padding, with_bias ? bias.data() : nullptr,
             result.data());
  }

  // A value and the sum of its terms' sizes, in double precision.
  void define(std::int64_t n, std::int64_t o, std::int64_t z, std::int64_t y, std::int64_t x, double& sum,
              double& size) const {
    sum = with_bias ? bias[o] : 0;
    size = 1;
    for (std::int64_t c = 0; c < channels; ++c) {
      for (std::int64_t i = 0; i < kernel[0] * kernel[1] * kernel[2]; ++i) {
        const std::int64_t from_z = z + i / (kernel[1] * kernel[2]) - padding[0],
                           from_y = y + i / kernel[2] % kernel[1] - padding[1],
                           from_x = x + i % kernel[2] - padding[2];
        if (from_z < 0 || from_z >= extents[0] || from_y < 0 || from_y >= extents[1] || from_x < 0 ||
            from_x >= extents[2])
          continue;
        const std::int64_t at = ((n * channels + c) * extents[0] + from_z) * extents[1] + from_y;
        const double term = double{image[at * extents[2] + from_x]} *
                            weight[(o * channels + c) * kernel[0] * kernel[1] * kernel[2] + i];
        sum += term;
        size += std::abs(term);
      }
    }
  }

  double error() const {
    double worst = 0;
    std::size_t i = 0;
    for (std::int64_t n = 0; n < batch; ++n)
      for (std::int64_t o = 0; o < out; ++o)
        for (std::int64_t z = 0; z < to()[0]; ++z)
          for (std::int64_t y = 0; y < to()[1]; ++y)
            for (std::int64_t x = 0; x < to()[2]; ++x, ++i) {
              double sum = 0, size = 0;
              define(n, o, z, y, x, sum, size);
              const double wrong = std::abs(sum - result[i]) / size;
              worst = wrong <= worst ? worst : wrong;
            }
    return i == result.size() ? worst : std::numeric_limits<double>::infinity();
  }
};

}  // namespace

TEST_CASE("a convolution of any kernel and padding is its definition, on any number of threads") {
  std::vector<Example> examples = {
      {1, 256, 3, {1, 9, 12}, {1, 3, 3}, {0, 1, 1}},     {2, 3, 257, {1, 5, 7}, {1, 2, 3}, {0, 0, 2}},
      {1, 40, 20, {1, 11, 70}, {1, 3, 3}, {0, 1, 1}},    {1, 2, 5, {6, 5, 4}, {3, 3, 3}, {1, 1, 1}},
      {1, 1, 1, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, false}, {3, 4, 6, {1, 3, 3}, {1, 5, 5}, {0, 3, 2}},
      {2, 2, 2, {3, 4, 5}, {2, 1, 4}, {2, 0, 1}, false}, {1, 7, 13, {1, 1, 300}, {1, 1, 9}, {0, 0, 4}},
  };
  for (std::size_t i = 0; i < examples.size(); ++i) {
    Example& example = examples[i];
    example.fill(static_cast<unsigned>(i));
    example.run(3);
    const std::vector<float> shared = example.result;
    example.run(1);
    CAPTURE(i);
    CHECK(std::memcmp(shared.data(), example.result.data(), shared.size() * sizeof(float)) == 0);
    CHECK(example.error() < 6e-7);
  }
}

TEST_CASE("NaN reaches what sees it, and nothing else") {
  Example example = {1, 2, 14, {1, 8, 40}, {1, 3, 3}, {0, 1, 1}};
  example.fill(1);
  example.image[8 * 40 + 4 * 40 + 20] = std::numeric_limits<float>::quiet_NaN();
  example.run();
  for (std::int64_t i = 0; i < 14 * 8 * 40; ++i) {
    const std::int64_t y = i / 40 % 8, x = i % 40;
    CHECK(std::isnan(example.result[i]) == (std::abs(y - 4) <= 1 && std::abs(x - 20) <= 1));
  }
}

TEST_CASE("a kernel larger than the padded image gives nothing, one without taps is refused") {
  Example example = {1, 1, 1, {1, 2, 2}, {1, 3, 3}, {0, 0, 0}};
  example.fill(2);
  example.run();
  CHECK(example.result.empty());
  CHECK_THROWS_AS(ConvolutionWeights(example.weight.data(), 1, 1, {1, 0, 3}), Error);
}

}  // namespace medlsam
