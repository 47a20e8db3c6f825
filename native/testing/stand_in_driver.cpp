// The part of libcuda that base/cuda_driver.cpp asks, for tests: as many GPUs as MEDLSAM_STAND_IN_GPUS says,
// and the CUDA version of MEDLSAM_STAND_IN_CUDA (13000 without it).
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace {

int number(const char* variable, int otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::atoi(text);
}

constexpr int kSuccess = 0, kNoDevice = 100, kNotReady = 803;

}  // namespace

#define DRIVER_FUNCTION extern "C" __attribute__((visibility("default"))) int

// Fewer than none stand for a driver that does not start.
DRIVER_FUNCTION cuInit(unsigned) {
  const int gpus = number("MEDLSAM_STAND_IN_GPUS", 1);
  if (gpus < 0) return kNotReady;
  return gpus == 0 ? kNoDevice : kSuccess;
}

DRIVER_FUNCTION cuDriverGetVersion(int* version) {
  *version = number("MEDLSAM_STAND_IN_CUDA", 13000);
  return kSuccess;
}

DRIVER_FUNCTION cuDeviceGetCount(int* count) {
  *count = number("MEDLSAM_STAND_IN_GPUS", 1);
  return kSuccess;
}

DRIVER_FUNCTION cuDeviceGet(int* device, int ordinal) {
  *device = ordinal;
  return kSuccess;
}

DRIVER_FUNCTION cuDeviceGetName(char* name, int length, int) {
  std::strncpy(name, "Stand-in GPU", static_cast<std::size_t>(length));
  return kSuccess;
}

DRIVER_FUNCTION cuDeviceTotalMem_v2(std::size_t* bytes, int) {
  *bytes = std::size_t{1} << 34;
  return kSuccess;
}

// Compute capability 9.0: attributes 75 and 76.
DRIVER_FUNCTION cuDeviceGetAttribute(int* value, int attribute, int) {
  *value = attribute == 75 ? 9 : 0;
  return kSuccess;
}

DRIVER_FUNCTION cuGetErrorName(int error, const char** name) {
  *name = error == kNotReady ? "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH" : nullptr;
  return *name == nullptr ? 1 : kSuccess;
}
