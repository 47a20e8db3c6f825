// Runs the tests, unless MEDLSAM_SIMD asks for a level that this machine lacks: then ctest counts them as
// skipped.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "base/simd.hpp"

int main(int argc, char** argv) {
  constexpr int kSkipped = 77;  // SKIP_RETURN_CODE of cmake/library.cmake
  if (!medlsam::simd_warning().empty()) {
    std::fprintf(stderr, "%s\n", medlsam::simd_warning().c_str());
    return kSkipped;
  }
  return doctest::Context(argc, argv).run();
}
