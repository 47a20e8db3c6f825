// Runs the tests, unless MEDLSAM_SIMD asks for a level that this machine lacks: then ctest counts them as
// skipped.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "base/simd.hpp"

#ifdef __SANITIZE_ADDRESS__
// The leak check looks for the thread-local data of plugins with a guess that takes a heap block at byte 16
// of a page for one of an old glibc's, follows a wrong address and crashes (gcc 12; by chance of the heap's
// layout). Without the guess it still reaches that data, through the thread's own table. The sanitizer's
// library finds the function only if the program exports it, and everything here is compiled as hidden.
extern "C" [[gnu::visibility("default")]] const char* __asan_default_options() {
  return "intercept_tls_get_addr=0";
}
#endif

int main(int argc, char** argv) {
  constexpr int kSkipped = 77;  // SKIP_RETURN_CODE of cmake/library.cmake
  if (!medlsam::simd_warning().empty()) {
    std::fprintf(stderr, "%s\n", medlsam::simd_warning().c_str());
    return kSkipped;
  }
  return doctest::Context(argc, argv).run();
}
