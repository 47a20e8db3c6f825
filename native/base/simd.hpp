// Two ways for one binary to run everywhere and use AVX-512 where it is. MEDLSAM_SIMD before a function whose
// loops the compiler vectorises; run_simd for code written in vectors, which must know how wide they are.
// What either calls must be inlined into it (MEDLSAM_INLINE), or it keeps the baseline's instructions.
#pragma once

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MEDLSAM_SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define MEDLSAM_SANITIZED 1
#endif

// Sanitizers are not ready when the loader resolves the variants; clang 14 lacks them for templates.
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(MEDLSAM_SANITIZED)
#define MEDLSAM_SIMD __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define MEDLSAM_SIMD
#endif

#define MEDLSAM_INLINE inline __attribute__((always_inline))

namespace medlsam {

// kLanes floats that are computed with at once. Pass by reference: by value, a function that is not compiled
// for registers this wide has another calling convention.
template <int kLanes>
struct FloatLanes {
  typedef float Vector __attribute__((vector_size(kLanes * sizeof(float))));
};

#if defined(__x86_64__) && !defined(MEDLSAM_SANITIZED)
#define MEDLSAM_WIDE_SIMD 1
template <class Kernel>
__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))) void run_avx512(const Kernel& kernel) {
  kernel.template run<16>();
}

template <class Kernel>
__attribute__((target("avx2,fma"))) void run_avx2(const Kernel& kernel) {
  kernel.template run<8>();
}
#endif

// kernel.run<kLanes>(), a MEDLSAM_INLINE member template, compiled for the widest instruction set this
// processor has: 16 lanes with AVX-512, 8 with AVX2, else 4 (SSE2, NEON). Sanitizers see 4 only:
// instrumented, each width takes a minute to compile.
template <class Kernel>
void run_simd(const Kernel& kernel) {
#if defined(MEDLSAM_WIDE_SIMD)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    return run_avx512(kernel);
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return run_avx2(kernel);
#endif
  kernel.template run<4>();
}

}  // namespace medlsam
