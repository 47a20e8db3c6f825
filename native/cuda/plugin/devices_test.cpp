#include "cuda/plugin/devices.hpp"

#include <doctest/doctest.h>

#include "base/error.hpp"

namespace medlsam::cuda {
namespace {

template <class Call>
std::string refusal(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kRuntimeUnavailable);
    return error.what();
  }
  return "";
}

TEST_CASE("a machine without a usable GPU is one line that says why") {
  CHECK(refusal([] {
          require_devices({0, "there is no NVIDIA driver (libcuda.so.1) on this machine"});
        }) == "No GPU can be used: there is no NVIDIA driver (libcuda.so.1) on this machine.");
  CHECK(refusal([] { require_devices({2, ""}); }).empty());
}

TEST_CASE("a GPU's number that is not there says which ones are") {
  CHECK(refusal([] {
          require_number(1, {1, ""});
        }) == "There is no GPU cuda:1: the driver shows one GPU, cuda:0.");
  CHECK(refusal([] {
          require_number(-1, {1, ""});
        }) == "There is no GPU cuda:-1: the driver shows one GPU, cuda:0.");
  CHECK(refusal([] {
          require_number(7, {4, ""});
        }) == "There is no GPU cuda:7: the driver shows 4 GPUs, cuda:0 to cuda:3.");
  CHECK(refusal([] { require_number(3, {4, ""}); }).empty());
}

TEST_CASE("a GPU that the plugin has no code for says what it is") {
  DeviceProperties properties;
  properties.name = "Old";
  properties.major = 7;
  CHECK(refusal([&] { require_capability(0, properties, true); }) ==
        "The GPU cuda:0 (Old) has compute capability 7.0; the CUDA plugin needs 7.5 or later.");
  properties.minor = 5;
  CHECK(refusal([&] { require_capability(0, properties, true); }).empty());
  CHECK(refusal([&] { require_capability(2, properties, false); }) ==
        "The GPU cuda:2 (Old) has compute capability 7.5, for which the CUDA plugin was not compiled (host). "
        "Build it with `npm run build:cuda`.");
}

}  // namespace
}  // namespace medlsam::cuda
