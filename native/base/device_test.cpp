#include "base/device.hpp"

#include <doctest/doctest.h>

#include "base/error.hpp"

using namespace medlsam;

TEST_CASE("devices: what users write, and what they are called") {
  CHECK(Device::parse("cpu") == Device{});
  CHECK(Device::parse("cpu").text() == "cpu");
  for (const char* text : {"cuda", "gpu"}) {
    CHECK(Device::parse(text) == Device{DeviceKind::kCuda, kAnyGpu});
    CHECK(Device::parse(text).text() == "cuda");
    CHECK(Device::parse(text).first().text() == "cuda:0");
  }
  for (const char* text : {"cuda:0", "gpu:0", "cuda:000"}) {
    CHECK(Device::parse(text) == Device{DeviceKind::kCuda, 0});
    CHECK(Device::parse(text).text() == "cuda:0");
  }
  CHECK(Device::parse("cuda:12") == Device{DeviceKind::kCuda, 12});
  CHECK(Device::parse("cuda:12").first().index == 12);
  CHECK(Device::parse("gpu:999").text() == "cuda:999");
}

TEST_CASE("devices: anything else is refused in words") {
  for (const char* text : {"", "CPU", "cpu:0", "cuda:", "cuda:-1", "cuda:1000", "cuda0", "cuda:1a", " cuda",
                           "gpus", "tpu", "auto"}) {
    CAPTURE(text);
    try {
      (void)Device::parse(text);
      FAIL("nothing was thrown");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::kBadArgument);
      CHECK(std::string(error.what()).ends_with(std::string("not \"") + text + "\"."));
    }
  }
}
