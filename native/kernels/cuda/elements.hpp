// Types of elements on a GPU, and their values as float32.
#pragma once

#include <bit>
#include <cstdint>

#include "base/error.hpp"
#include "kernels/cuda/block.hpp"

#ifdef __CUDACC__
#include <cuda_fp16.h>
#else
#include "base/tensor.hpp"
#endif

namespace medlsam::cuda {

struct Half {
  std::uint16_t bits;
};
struct BFloat16 {
  std::uint16_t bits;
};

// In the order of the plugin's numbers for them (cuda/plugin_api.hpp).
enum class Element : std::int32_t { kFloat32, kFloat16, kBFloat16, kInt16 };

MEDLSAM_HD std::uint32_t float_bits(float value) {
#ifdef __CUDA_ARCH__
  return __float_as_uint(value);
#else
  return std::bit_cast<std::uint32_t>(value);
#endif
}

MEDLSAM_HD float float_of_bits(std::uint32_t bits) {
#ifdef __CUDA_ARCH__
  return __uint_as_float(bits);
#else
  return std::bit_cast<float>(bits);
#endif
}

// a · b + c, on a GPU rounded once.
MEDLSAM_HD float multiply_add(float a, float b, float c) {
#ifdef __CUDA_ARCH__
  return __fmaf_rn(a, b, c);
#else
  return a * b + c;
#endif
}

MEDLSAM_HD float to_float(float value) {
  return value;
}
MEDLSAM_HD float to_float(std::int16_t value) {
  return static_cast<float>(value);
}
MEDLSAM_HD float to_float(std::uint8_t value) {
  return static_cast<float>(value);
}
MEDLSAM_HD float to_float(Half value) {
#ifdef __CUDACC__
  return __half2float(__ushort_as_half(value.bits));
#else
  return half_to_float(value.bits);
#endif
}
MEDLSAM_HD float to_float(BFloat16 value) {
  return float_of_bits(static_cast<std::uint32_t>(value.bits) << 16);
}

// Rounded to nearest, ties to even.
template <class T>
MEDLSAM_HD T from_float(float value);
template <>
MEDLSAM_HD float from_float<float>(float value) {
  return value;
}
template <>
MEDLSAM_HD Half from_float<Half>(float value) {
#ifdef __CUDACC__
  return {__half_as_ushort(__float2half_rn(value))};
#else
  return {float_to_half(value)};
#endif
}
template <>
MEDLSAM_HD BFloat16 from_float<BFloat16>(float value) {
  const std::uint32_t bits = float_bits(value);
  const bool is_nan = (bits & 0x7fffffffU) > 0x7f800000U;
  const std::uint32_t rounded = bits + 0x7fffU + ((bits >> 16) & 1U);
  return {static_cast<std::uint16_t>(is_nan ? 0x7fc0U : rounded >> 16)};
}

// Calls use(T{}) with the type of what networks compute in.
template <class Use>
void with_floating(Element element, Use&& use) {
  switch (element) {
    case Element::kFloat32:
      return use(float{});
    case Element::kFloat16:
      return use(Half{});
    case Element::kBFloat16:
      return use(BFloat16{});
    default:
      throw Error(ErrorCode::kBadArgument, "A GPU's tensors hold float32, float16 or bfloat16 here.");
  }
}

// Calls use(T{}) with the type of a stored volume.
template <class Use>
void with_stored(Element element, Use&& use) {
  if (element == Element::kInt16) return use(std::int16_t{});
  if (element == Element::kFloat32) return use(float{});
  throw Error(ErrorCode::kBadArgument, "A GPU's volumes hold int16 or float32.");
}

}  // namespace medlsam::cuda
