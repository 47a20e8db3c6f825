#include "cuda/library.hpp"

#include <doctest/doctest.h>

#include "base/error.hpp"

namespace medlsam::cuda {
namespace {

std::string refusal(const std::string& path) {
  try {
    load(path);
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kRuntimeUnavailable);
    return error.what();
  }
  return "";
}

bool says(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

TEST_CASE("a CUDA plugin that is not there, or is something else, is one line that says how to get one") {
  const std::string missing = refusal("/nowhere/medlsam_cuda.so");
  CHECK(says(missing, "/nowhere/medlsam_cuda.so"));
  CHECK(says(missing, "npm run build:cuda"));
  CHECK_FALSE(says(missing, "\n"));
  // Every process has it.
  CHECK(refusal("libm.so.6") ==
        "libm.so.6 is not medlsam's CUDA plugin. Build it with `npm run build:cuda`, or name another in "
        "MEDLSAM_CUDA.");
}

TEST_CASE("a CUDA plugin of another version says both numbers") {
  const std::string other = refusal(MEDLSAM_OTHER_PLUGIN);
  CHECK(says(other, "has interface -1, wanted " + std::to_string(MEDLSAM_CUDA_ABI)));
  CHECK(says(other, "another version of medlsam"));
}

TEST_CASE("versions of CUDA are written with a point") {
  CHECK(version_text(13000) == "13.0");
  CHECK(version_text(12040) == "12.4");
}

}  // namespace
}  // namespace medlsam::cuda
