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

// ONNX Runtime leaves some bytes behind at the process's end, which are none of ours.
extern "C" __attribute__((visibility("default"))) const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libonnxruntime.so";
}
