#include "base/simd.hpp"

#include <cstdlib>

namespace medlsam {
namespace {

#if defined(__x86_64__)
constexpr const char* kBaselineName = "sse2";
#elif defined(__aarch64__)
constexpr const char* kBaselineName = "neon";
#else
constexpr const char* kBaselineName = "baseline";
#endif

constexpr SimdLevel kLevels[] = {SimdLevel::kBaseline, SimdLevel::kAvx2, SimdLevel::kAvx512};

SimdLevel best_level() {
#if defined(MEDLSAM_WIDE_SIMD)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    return SimdLevel::kAvx512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return SimdLevel::kAvx2;
#endif
  return SimdLevel::kBaseline;
}

struct Choice {
  SimdLevel level = best_level();
  std::string warning;
};

Choice choose() {
  Choice choice;
  const char* variable = std::getenv("MEDLSAM_SIMD");
  const std::string wanted = variable == nullptr ? "" : variable;
  if (wanted.empty()) return choice;
  for (const SimdLevel level : kLevels) {
    if (wanted != simd_level_name(level) && !(level == SimdLevel::kBaseline && wanted == "baseline"))
      continue;
    if (level <= choice.level) {
      choice.level = level;
    } else {
      choice.warning =
          "MEDLSAM_SIMD=" + wanted + ": this machine has " + simd_level_name(choice.level) + " at best.";
    }
    return choice;
  }
  choice.warning = "MEDLSAM_SIMD=" + wanted + " is not a level: baseline, avx2 and avx512 are.";
  return choice;
}

const Choice& choice() {
  static const Choice made = choose();
  return made;
}

}  // namespace

SimdLevel simd_level() {
  return choice().level;
}

bool simd_has_bfloat16() {
#if defined(MEDLSAM_WIDE_SIMD)
  static const bool has = __builtin_cpu_supports("avx512bf16") != 0;
  return has && simd_level() == SimdLevel::kAvx512;
#else
  return false;
#endif
}

bool simd_has_integer_pairs() {
#if defined(MEDLSAM_WIDE_SIMD)
  static const bool has = __builtin_cpu_supports("avx512vnni") != 0;
  return has && simd_level() == SimdLevel::kAvx512;
#else
  return false;
#endif
}

const std::string& simd_warning() {
  return choice().warning;
}

const char* simd_level_name(SimdLevel level) {
  switch (level) {
    case SimdLevel::kAvx512:
      return "avx512";
    case SimdLevel::kAvx2:
      return "avx2";
    case SimdLevel::kBaseline:
      break;
  }
  return kBaselineName;
}

}  // namespace medlsam
