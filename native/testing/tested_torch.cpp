#include <doctest/doctest.h>

#include <cstdlib>

#include "runtimes/torch/torch_runtime.hpp"
#include "testing/runtime_under_test.hpp"

namespace medlsam {

std::shared_ptr<const Runtime> runtime_under_test() {
  const char* library = std::getenv("MEDLSAM_TORCH");
  REQUIRE_MESSAGE(library != nullptr, "MEDLSAM_TORCH must name the torch plugin.");
  return torch::open_torch_runtime(library);
}

}  // namespace medlsam
