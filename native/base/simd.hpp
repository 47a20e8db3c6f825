// The one dispatch of vector code: one binary runs everywhere and uses AVX2 or AVX-512 where they are.
//
// A level's code is whatever is inlined into run_avx512() or run_avx2(). A function that stays out of line
// keeps the baseline's instructions, correct but slow. Two things see to it that none does: these two are
// `flatten`, so GCC inlines whatever they reach and clang what they call, and everything that such code calls
// is MEDLSAM_INLINE, which both compilers refuse to leave out of line. simd_test.cpp fails if a helper was
// left at the baseline.
#pragma once

#include <string>
#include <type_traits>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MEDLSAM_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEDLSAM_SANITIZED 1
#endif

// Sanitizers see the baseline only: instrumented, each level takes a minute to compile.
#if defined(__x86_64__) && !defined(MEDLSAM_SANITIZED)
#define MEDLSAM_WIDE_SIMD 1
#endif

// Under sanitizers there is no level that code must be inlined into, and instrumented, what a kernel consists
// of is too much for one function: it would take minutes to compile.
#if defined(MEDLSAM_SANITIZED)
#define MEDLSAM_INLINE inline
#else
#define MEDLSAM_INLINE inline __attribute__((always_inline))
#endif

namespace medlsam {

enum class SimdLevel {
  kBaseline,  // what every processor of the architecture has: SSE2, NEON
  kAvx2,      // with FMA
  kAvx512,    // F, BW, DQ and VL
};

// The level of this process, chosen at its first use: the best that the processor has, or what the
// environment variable MEDLSAM_SIMD names ("baseline", "avx2", "avx512").
SimdLevel simd_level();
// Whether kernels may use AVX-512's products of bfloat16 pairs (vdpbf16ps): the level is AVX-512 and the
// processor has them, which most with AVX-512 have not.
bool simd_has_bfloat16();
// Whether they may use its products of pairs of 16-bit integers (vpdpwssd, AVX-512 VNNI), under the same
// condition.
bool simd_has_integer_pairs();
const char* simd_level_name(SimdLevel level);  // "sse2", "neon" or "baseline"; "avx2"; "avx512"
// Why MEDLSAM_SIMD was not followed: an unknown level, or one that this machine lacks. "" if it was, or is
// not set.
const std::string& simd_warning();

// kLanes floats that are computed with at once. Pass by reference: by value, a function that is not compiled
// for registers this wide has another calling convention.
template <int kLanes>
struct FloatLanes {
  typedef float Vector __attribute__((vector_size(kLanes * sizeof(float))));
};

template <int kLanes>
using Lanes = std::integral_constant<int, kLanes>;

#if defined(MEDLSAM_WIDE_SIMD)
template <class Kernel>
__attribute__((flatten, target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))) auto run_avx512(
    const Kernel& kernel) {
  return kernel(Lanes<16>{});
}

template <class Kernel>
__attribute__((flatten, target("avx2,fma"))) auto run_avx2(const Kernel& kernel) {
  return kernel(Lanes<8>{});
}
#endif

// kernel(lanes), compiled for each level: `lanes` converts to the number of floats of the level's registers,
// as a constant. Code that is not written in vectors ignores it.
template <class Kernel>
auto run_simd(const Kernel& kernel) {
#if defined(MEDLSAM_WIDE_SIMD)
  switch (simd_level()) {
    case SimdLevel::kAvx512:
      return run_avx512(kernel);
    case SimdLevel::kAvx2:
      return run_avx2(kernel);
    case SimdLevel::kBaseline:
      break;
  }
#endif
  return kernel(Lanes<4>{});
}

// loop(arguments…), a MEDLSAM_INLINE function whose loops the compiler vectorizes.
template <auto loop, class... Arguments>
auto run_simd(Arguments&&... arguments) {
  return run_simd([&](auto) __attribute__((always_inline)) { return loop(arguments...); });
}

}  // namespace medlsam
