#include <doctest/doctest.h>

#include <cstdlib>

#include "runtimes/onnxruntime/onnx_runtime.hpp"
#include "testing/runtime_under_test.hpp"

namespace medlsam {

std::shared_ptr<const Runtime> runtime_under_test() {
  const char* library = std::getenv("MEDLSAM_ONNXRUNTIME");
  REQUIRE_MESSAGE(library != nullptr, "MEDLSAM_ONNXRUNTIME must name ONNX Runtime's library.");
  return onnx::open_onnx_runtime(library);
}

}  // namespace medlsam
