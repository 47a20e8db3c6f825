#include "base/simd.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <string>

namespace medlsam {
namespace {

constexpr int kCount = 64;

// (1 + 2⁻¹²)² − 1 − 2⁻¹¹ is 2⁻²⁴ with one rounding, 0 with two: it shows whether the product and the sum
// became one instruction, which AVX2 and AVX-512 code has and x86's baseline lacks.
constexpr float kFactor = 1 + 0x1p-12f, kMinus = -1 - 0x1p-11f;

// Not MEDLSAM_INLINE, on purpose: a helper like those of the standard library.
template <class Value>
Value helper(Value a, Value b, Value c) {
  return a * b + c;
}

MEDLSAM_INLINE void multiply_add(const float* x, int count, float* out) {
  for (int i = 0; i < count; ++i) out[i] = helper(x[i], x[i], kMinus);
}

bool expects_fused() {
#if defined(__aarch64__)
  return true;
#else
  return simd_level() != SimdLevel::kBaseline;
#endif
}

}  // namespace

TEST_CASE("the level is the one that was asked for") {
  const char* wanted = std::getenv("MEDLSAM_SIMD");
  CHECK(simd_warning() == "");
  if (wanted != nullptr && std::string(wanted) != "baseline")
    CHECK(simd_level_name(simd_level()) == std::string(wanted));
  if (wanted != nullptr && std::string(wanted) == "baseline") CHECK(simd_level() == SimdLevel::kBaseline);
}

TEST_CASE("a kernel runs with the lanes of its level") {
  const int lanes = run_simd([](auto of_level) { return static_cast<int>(of_level); });
  CHECK(lanes == (simd_level() == SimdLevel::kAvx512 ? 16 : simd_level() == SimdLevel::kAvx2 ? 8 : 4));
}

TEST_CASE("products of bfloat16 belong to AVX-512") {
  if (simd_level() != SimdLevel::kAvx512) CHECK_FALSE(simd_has_bfloat16());
}

TEST_CASE("what a kernel calls is compiled for its level") {
  float x[kCount], out[kCount];
  for (float& value : x) value = kFactor;
  run_simd<multiply_add>(x, kCount, out);
  for (const float value : out) CHECK(value == (expects_fused() ? 0x1p-24f : 0.0f));
}

}  // namespace medlsam
