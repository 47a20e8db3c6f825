// Where the tests of training compute: MEDLSAM_TEST_DEVICE, as "cuda", or the CPU.
#pragma once

#include <cstdlib>
#include <string>

namespace medlsam {

inline std::string test_device() {
  const char* device = std::getenv("MEDLSAM_TEST_DEVICE");
  return device == nullptr ? "cpu" : device;
}

}  // namespace medlsam
