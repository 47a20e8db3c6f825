#include "base/tensor.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "base/error.hpp"
#include "testing/checkpoint_bytes.hpp"

using namespace medlsam;
using namespace medlsam::test;
using doctest::Contains;

TEST_CASE("tensors: every half is the number IEEE 754 says, and comes back") {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const int exponent = half >> 10 & 31, fraction = half & 1023;
    const float value = half_to_float(half);
    if (exponent == 31 && fraction != 0) {
      REQUIRE(std::isnan(value));
      REQUIRE(std::isnan(half_to_float(float_to_half(value))));
      continue;
    }
    const double magnitude = exponent == 31  ? INFINITY
                             : exponent == 0 ? std::ldexp(fraction, -24)
                                             : std::ldexp(1024 + fraction, exponent - 25);
    REQUIRE(std::abs(value) == magnitude);
    REQUIRE(std::signbit(value) == (half >> 15 == 1));
    REQUIRE(float_to_half(value) == half);
  }
}

TEST_CASE("tensors: floats round to the nearest half, ties to even") {
  for (std::uint16_t half = 0; half < 0x7c00; ++half) {
    const auto next = static_cast<std::uint16_t>(half + 1);
    const float above = next == 0x7c00 ? 65536.0f : half_to_float(next);
    const float middle = (half_to_float(half) + above) / 2;
    REQUIRE(float_to_half(middle) == (half % 2 == 0 ? half : next));
    REQUIRE(float_to_half(std::nextafter(middle, 0.0f)) == half);
    REQUIRE(float_to_half(-std::nextafter(middle, INFINITY)) == (next | 0x8000));
  }
  CHECK(float_to_half(1e30f) == 0x7c00);
}

TEST_CASE("tensors: every floating type becomes float32, from any byte") {
  const std::string doubles = raw('x') + raw(1.25) + raw(-1e300),
                    halves = raw('x') + raw<std::uint16_t>(0x3c00),
                    brains = raw('x') + raw<std::uint16_t>(0xbfc0), floats = raw('x') + raw(3.5f);
  const auto values = [](DType dtype, std::int64_t count, const std::string& bytes) {
    std::vector<float> out(static_cast<std::size_t>(count));
    to_float32({dtype, {count}, bytes_of(bytes).subspan(1)}, out);
    return out;
  };
  CHECK(values(DType::kF64, 2, doubles) == std::vector<float>{1.25f, -INFINITY});
  CHECK(values(DType::kF16, 1, halves) == std::vector<float>{1.0f});
  CHECK(values(DType::kBF16, 1, brains) == std::vector<float>{-1.5f});
  CHECK(values(DType::kF32, 1, floats) == std::vector<float>{3.5f});
  CHECK_THROWS_WITH_AS(values(DType::kI32, 1, floats), Contains("type I32"), Error);
}

TEST_CASE("tensors: shapes whose product overflows have no elements to count") {
  constexpr std::int64_t kHuge = std::int64_t{1} << 62;
  const auto count = [](std::vector<std::int64_t> shape) { return checked_elements(shape); };
  CHECK(count({}) == 1u);
  CHECK(count({2, 3}) == 6u);
  CHECK(count({kHuge}) == std::size_t{1} << 62);
  CHECK(count({0, 5}) == 0u);
  CHECK_FALSE(count({kHuge, 2}).has_value());
  CHECK_FALSE(count({0, kHuge, 2}).has_value());
  CHECK_FALSE(count({0, -1}).has_value());
}

TEST_CASE("tensors: types have names and sizes") {
  CHECK(dtype_from_name("BF16") == DType::kBF16);
  CHECK(dtype_name(DType::kBool) == std::string("BOOL"));
  CHECK(dtype_size(DType::kI64) == 8);
  CHECK_FALSE(dtype_from_name("F8").has_value());
}

namespace {

// Memory that the CPU cannot read in place, as a GPU's.
class FarStorage : public Storage {
 public:
  explicit FarStorage(std::vector<float> values) : values_(std::move(values)) {}
  Device device() const override { return {DeviceKind::kCuda, 1}; }
  const std::byte* host() const override { return nullptr; }
  void read(std::size_t offset, std::span<std::byte> to) const override {
    std::memcpy(to.data(), reinterpret_cast<const std::byte*>(values_.data()) + offset, to.size());
  }

 private:
  std::vector<float> values_;
};

}  // namespace

TEST_CASE("tensors: a tensor of another device is read on the host only after a copy") {
  const Tensor far(DType::kF32, {3, 2}, std::make_shared<FarStorage>(std::vector<float>{1, 2, 3, 4, 5, 6}));
  CHECK(far.device() == Device{DeviceKind::kCuda, 1});
  CHECK_THROWS_WITH_AS((void)far.floats(),
                       Contains("[3, 2] on cuda:1 was read on the host without being copied"), Error);
  const Tensor near = far.slice(1, 3).to_host();
  CHECK(near.device().is_cpu());
  CHECK(near.shape() == Shape{2, 2});
  CHECK(std::vector(near.floats(), near.floats() + near.elements()) == std::vector<float>{3, 4, 5, 6});
}

TEST_CASE("tensors: shorter floating types are float32 on the host") {
  // The halves 1 and −2, then 0.5 and 0, in the bytes of two floats.
  const std::vector<std::uint16_t> halves = {0x3c00, 0xc000, 0x3800, 0};
  std::vector<float> stored(2);
  std::memcpy(stored.data(), halves.data(), sizeof(float) * stored.size());
  const Tensor far(DType::kF16, {4}, std::make_shared<FarStorage>(stored));
  const Tensor near = far.slice(1, 4).to_host();
  CHECK(near.dtype() == DType::kF32);
  CHECK(std::vector(near.floats(), near.floats() + near.elements()) == std::vector<float>{-2, 0.5f, 0});
}

TEST_CASE("tensors: copies and parts share storage, which lives as long as the last") {
  Tensor part;
  CHECK(part.elements() == 0);
  {
    const Tensor whole = Tensor::on_host(std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7}, {4, 1, 2});
    CHECK(whole.to_host().floats() == whole.floats());
    part = whole.slice(2, 3);
    CHECK(part.floats() == whole.floats() + 4);
  }
  CHECK(part.shape() == Shape{1, 1, 2});
  CHECK(part.floats()[1] == 5);
  CHECK_THROWS_AS((void)part.slice(0, 2), Error);
}

TEST_CASE("tensors: elements are read as what they are") {
  const Tensor halves(DType::kF16, {2}, std::make_shared<FarStorage>(std::vector<float>{0}));
  CHECK_THROWS_WITH_AS((void)halves.floats(), Contains("F16 were read as F32"), Error);
}
