#include <doctest/doctest.h>

#include <cstdlib>

#include "runtimes/onnxruntime/api.hpp"
#include "runtimes/onnxruntime/session.hpp"
#include "testing/medlam_runtime.hpp"

namespace medlsam {

MedLamBuilder medlam_runtime(unsigned threads) {
  const char* library = std::getenv("MEDLSAM_ONNXRUNTIME");
  REQUIRE_MESSAGE(library != nullptr, "MEDLSAM_ONNXRUNTIME must name ONNX Runtime's library.");
  onnx::load(library);
  return onnx::medlam_builder({threads, std::nullopt});
}

}  // namespace medlsam
