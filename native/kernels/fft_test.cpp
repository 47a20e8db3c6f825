#include "kernels/fft.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <random>
#include <vector>

using namespace medlsam;

namespace {

// The largest difference from the definition, of random lines.
template <int P, int R, int kLanes>
double transform_error() {
  constexpr int kLength = P * R;
  std::mt19937 generator(P + R + kLanes);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> in(2 * kLength * kLanes), out(in.size());
  for (float& value : in) value = uniform(generator);
  const std::size_t im = kLength * kLanes;
  fft::transform<P, R, kLanes>(
      [&](int n) { return fft::load<kLanes>(in.data() + n * kLanes, in.data() + im + n * kLanes); },
      [&](int k, const auto& v) { fft::store(v, out.data() + k * kLanes, out.data() + im + k * kLanes); });
  double largest = 0;
  for (int lane = 0; lane < kLanes; ++lane) {
    for (int k = 0; k < kLength; ++k) {
      std::complex<double> sum = 0;
      for (int n = 0; n < kLength; ++n) {
        const int at = n * kLanes + lane;
        sum += std::complex<double>(in[at], in[im + at]) *
               std::polar(1.0, -2 * std::numbers::pi * (n * k % kLength) / kLength);
      }
      const int at = k * kLanes + lane;
      largest = std::max(largest, std::abs(sum - std::complex<double>(out[at], out[im + at])));
    }
  }
  return largest;
}

template <int kLanes>
int misplaced_by_transposition() {
  std::vector<float> in(kLanes * kLanes), out(in.size());
  for (int i = 0; i < kLanes * kLanes; ++i) in[i] = static_cast<float>(i);
  fft::transpose<kLanes>(in.data(), kLanes, out.data(), kLanes);
  int misplaced = 0;
  for (int i = 0; i < kLanes * kLanes; ++i) misplaced += out[i % kLanes * kLanes + i / kLanes] != in[i];
  return misplaced;
}

}  // namespace

TEST_CASE("transforms of every length and vector width are Fourier transforms") {
  CHECK(transform_error<9, 2, 4>() < 5e-6);
  CHECK(transform_error<9, 4, 4>() < 5e-6);
  CHECK(transform_error<9, 8, 4>() < 5e-6);
  CHECK(transform_error<9, 2, 8>() < 5e-6);
  CHECK(transform_error<9, 8, 8>() < 5e-6);
  CHECK(transform_error<7, 4, 4>() < 5e-6);
  CHECK(transform_error<7, 8, 8>() < 5e-6);
  CHECK(transform_error<7, 8, 16>() < 5e-6);
}

TEST_CASE("squares of every vector width are transposed") {
  CHECK(misplaced_by_transposition<4>() == 0);
  CHECK(misplaced_by_transposition<8>() == 0);
  CHECK(misplaced_by_transposition<16>() == 0);
}
