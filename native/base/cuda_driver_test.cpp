#include "base/cuda_driver.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include "base/error.hpp"

namespace medlsam {
namespace {

// The driver of testing/stand_in_driver.cpp with this many GPUs.
CudaDriver ask_stand_in(const char* gpus) {
  setenv("MEDLSAM_STAND_IN_GPUS", gpus, 1);
  return ask_cuda_driver(STAND_IN_DRIVER);
}

TEST_CASE("the driver's GPUs, with their names, memory and compute capability") {
  const CudaDriver driver = ask_stand_in("2");
  CHECK(driver.error == "");
  CHECK(driver.version == 13000);
  REQUIRE(driver.gpus.size() == 2);
  CHECK(driver.gpus[1].name == "Stand-in GPU");
  CHECK(driver.gpus[1].memory == std::uint64_t{1} << 34);
  CHECK(driver.gpus[1].major == 9);
  CHECK(driver.gpus[1].minor == 0);
}

TEST_CASE("a driver without a GPU is none that fails") {
  const CudaDriver driver = ask_stand_in("0");
  CHECK(driver.error == "");
  CHECK(driver.gpus.empty());
}

TEST_CASE("a driver that does not start says why") {
  CHECK(ask_stand_in("-1").error == "the driver does not start: CUDA_ERROR_SYSTEM_DRIVER_MISMATCH");
}

TEST_CASE("no driver, and a library that is another's") {
  CHECK(ask_cuda_driver("/nowhere/libcuda.so.1").error.find("/nowhere/libcuda.so.1") != std::string::npos);
  CHECK(ask_cuda_driver("libc.so.6").error.find("functions are missing") != std::string::npos);
}

TEST_CASE("what libraries say of a GPU becomes a code") {
  CHECK(device_error_code("CUDA out of memory. Tried to allocate 2.00 GiB") == ErrorCode::kOutOfMemory);
  CHECK(device_error_code("CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate") == ErrorCode::kOutOfMemory);
  CHECK(device_error_code("Failed to allocate memory for requested buffer of size 1") ==
        ErrorCode::kOutOfMemory);
  CHECK(device_error_code("CUDA error: an illegal memory access was encountered") ==
        ErrorCode::kDeviceFailed);
  CHECK(device_error_code("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED") == ErrorCode::kDeviceFailed);
  CHECK(device_error_code("Expected a tensor of 5 dimensions") == ErrorCode::kInternal);
}

}  // namespace
}  // namespace medlsam
