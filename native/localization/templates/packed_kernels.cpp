#include "localization/templates/packed_kernels.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace medlsam {
namespace {

constexpr int kLargest = 7, kZero = 8;

// The least float of 16 significant bits that is no smaller: its product with a small whole number is exact,
// so that the scale of unpacked values is that scale again.
float rounded_up(float value) {
  constexpr std::uint32_t kDropped = 0xFF;
  return std::bit_cast<float>((std::bit_cast<std::uint32_t>(value) + kDropped) & ~kDropped);
}

}  // namespace

void pack_kernel(std::span<const float> values, std::span<std::uint8_t> packed, std::span<float> scales) {
  const std::size_t each = values.size() / scales.size();
  for (std::size_t channel = 0; channel < scales.size(); ++channel) {
    const auto of = values.subspan(channel * each, each);
    float largest = 0;
    for (float value : of) largest = std::max(largest, std::abs(value));
    const float scale = scales[channel] = rounded_up(largest / kLargest);
    const auto number = [scale](float value) {
      const long near = scale > 0 ? std::lround(value / scale) : 0;
      return static_cast<unsigned>(kZero + std::clamp<long>(near, -kLargest, kLargest));
    };
    for (std::size_t i = 0; i < each; i += 2) {
      packed[(channel * each + i) / 2] = static_cast<std::uint8_t>(number(of[i]) | number(of[i + 1]) << 4U);
    }
  }
}

void unpack_kernel(std::span<const std::byte> packed, std::span<const float> scales,
                   std::span<float> values) {
  const std::size_t each = values.size() / scales.size();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto byte = std::to_integer<unsigned>(packed[i / 2]);
    const unsigned stored = i % 2 == 0 ? byte & 0xFU : byte >> 4U;
    values[i] = scales[i / each] * static_cast<float>(static_cast<int>(stored) - kZero);
  }
}

}  // namespace medlsam
