#include <doctest/doctest.h>

#include <cstdlib>

#include "runtimes/torch/library.hpp"
#include "testing/sam_runtime.hpp"

namespace medlsam {

SamBuilder sam_runtime(unsigned threads) {
  const char* library = std::getenv("MEDLSAM_TORCH");
  REQUIRE_MESSAGE(library != nullptr, "MEDLSAM_TORCH must name the torch plugin.");
  return torch::sam_builder(torch::load(library), {"cpu", MEDLSAM_TORCH_FLOAT32, threads});
}

}  // namespace medlsam
