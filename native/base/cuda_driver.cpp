#include "base/cuda_driver.hpp"

#include <dlfcn.h>

#include <array>
#include <cstddef>

namespace medlsam {
namespace {

// The driver's numbers (cuda.h), which its interface keeps.
constexpr int kSuccess = 0, kNoDevice = 100;
constexpr int kCapabilityMajor = 75, kCapabilityMinor = 76;

// The functions that are asked for, under their names in the library.
struct DriverApi {
  int (*init)(unsigned flags) = nullptr;
  int (*version)(int* version) = nullptr;
  int (*count)(int* count) = nullptr;
  int (*device)(int* device, int ordinal) = nullptr;
  int (*name)(char* name, int length, int device) = nullptr;
  int (*memory)(std::size_t* bytes, int device) = nullptr;
  int (*attribute)(int* value, int attribute, int device) = nullptr;
  int (*error_name)(int error, const char** name) = nullptr;

  bool load(void* library) {
    return find(library, "cuInit", init) && find(library, "cuDriverGetVersion", version) &&
           find(library, "cuDeviceGetCount", count) && find(library, "cuDeviceGet", device) &&
           find(library, "cuDeviceGetName", name) && find(library, "cuDeviceTotalMem_v2", memory) &&
           find(library, "cuDeviceGetAttribute", attribute) && find(library, "cuGetErrorName", error_name);
  }

  std::string describe(int error) const {
    const char* text = nullptr;
    const bool known = error_name(error, &text) == kSuccess && text != nullptr;
    return known ? text : "error " + std::to_string(error);
  }

 private:
  template <class Function>
  static bool find(void* library, const char* symbol, Function& function) {
    function = reinterpret_cast<Function>(dlsym(library, symbol));
    return function != nullptr;
  }
};

Gpu describe_gpu(const DriverApi& api, int device) {
  Gpu gpu;
  std::array<char, 256> name{};
  std::size_t bytes = 0;
  if (api.name(name.data(), static_cast<int>(name.size()) - 1, device) == kSuccess) gpu.name = name.data();
  if (api.memory(&bytes, device) == kSuccess) gpu.memory = bytes;
  api.attribute(&gpu.major, kCapabilityMajor, device);
  api.attribute(&gpu.minor, kCapabilityMinor, device);
  return gpu;
}

}  // namespace

CudaDriver ask_cuda_driver(const std::string& library) {
  CudaDriver driver;
  // Kept open: the driver's threads and its state outlive a question.
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    driver.error = dlerror();
    return driver;
  }
  DriverApi api;
  if (!api.load(handle)) {
    driver.error = library + " is not the library of NVIDIA's driver: functions are missing";
    return driver;
  }
  api.version(&driver.version);
  int count = 0;
  int error = api.init(0);
  if (error == kSuccess) error = api.count(&count);
  if (error != kSuccess && error != kNoDevice)
    driver.error = "the driver does not start: " + api.describe(error);
  for (int i = 0; error == kSuccess && i < count; ++i) {
    int device = 0;
    if (api.device(&device, i) == kSuccess) driver.gpus.push_back(describe_gpu(api, device));
  }
  return driver;
}

}  // namespace medlsam
