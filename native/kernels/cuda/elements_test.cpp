#include "kernels/cuda/elements.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "kernels/cuda/memory.hpp"

namespace medlsam::cuda {
namespace {

TEST_CASE("16-bit floats come from and go to float32") {
  for (float value : {0.0F, -1.5F, 3.140625F, 60000.0F, -0.000061035156F}) {
    CHECK(to_float(from_float<Half>(value)) == doctest::Approx(value).epsilon(1e-3));
    CHECK(to_float(from_float<BFloat16>(value)) == doctest::Approx(value).epsilon(8e-3));
    CHECK(from_float<float>(value) == value);
  }
  CHECK(from_float<Half>(1.0F).bits == 0x3c00);
  CHECK(from_float<BFloat16>(1.0F).bits == 0x3f80);
}

TEST_CASE("bfloat16 rounds to the nearest, ties to even, and keeps what is no number") {
  CHECK(from_float<BFloat16>(float_of_bits(0x3f808000)).bits == 0x3f80);
  CHECK(from_float<BFloat16>(float_of_bits(0x3f808001)).bits == 0x3f81);
  CHECK(from_float<BFloat16>(float_of_bits(0x3f818000)).bits == 0x3f82);
  CHECK(std::isnan(to_float(from_float<BFloat16>(std::numeric_limits<float>::quiet_NaN()))));
  CHECK(std::isinf(to_float(from_float<BFloat16>(std::numeric_limits<float>::infinity()))));
}

TEST_CASE("types that a GPU's kernels do not read are refused") {
  CHECK_THROWS_AS(with_floating(Element::kInt16, [](auto) {}), Error);
  CHECK_THROWS_AS(with_stored(Element::kFloat16, [](auto) {}), Error);
}

TEST_CASE("device memory grows, and moves with its owner") {
  DeviceArray<int> array;
  CHECK(array.bytes() == 0);
  const std::vector<int> values = {3, 1, 2};
  array.upload(values, nullptr);
  const int* before = array.data();
  CHECK(array.at_least(2) == before);
  CHECK(array.bytes() == 3 * sizeof(int));
  DeviceArray<int> other = std::move(array);
  CHECK(download(other.data(), 3, nullptr) == values);
  CHECK(array.data() == nullptr);
}

}  // namespace
}  // namespace medlsam::cuda
