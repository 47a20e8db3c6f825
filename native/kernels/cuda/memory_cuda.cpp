// Memory, streams and limits from CUDA's runtime.
#include <cuda_runtime.h>
#include <dlfcn.h>

#include "base/error.hpp"
#include "kernels/cuda/checks.hpp"
#include "kernels/cuda/driver_problems.hpp"
#include "kernels/cuda/memory.hpp"

namespace medlsam::cuda {
namespace {

// A kernel to ask about.
__global__ void compiled_kernel() {}

cudaStream_t cuda_stream(Stream stream) {
  return static_cast<cudaStream_t>(stream);
}

// Whether the process has begun to use the device.
bool is_in_use(int device) {
  using GetState = int (*)(int device, unsigned* flags, int* active);
  void* driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
  if (driver == nullptr) return false;
  const auto state = reinterpret_cast<GetState>(dlsym(driver, "cuDevicePrimaryCtxGetState"));
  unsigned flags = 0;
  int active = 0;
  const bool known = state != nullptr && state(device, &flags, &active) == 0;
  dlclose(driver);
  return known && active != 0;
}

}  // namespace

void check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  cudaGetLastError();  // an error that does not last must not meet the next call
  const bool is_memory = error == cudaErrorMemoryAllocation;
  throw Error(is_memory ? ErrorCode::kOutOfMemory : ErrorCode::kDeviceFailed,
              std::string("CUDA: ") + what + " failed: " + cudaGetErrorString(error) + '.');
}

int driver_version() {
  int version = 0;
  return cudaDriverGetVersion(&version) == cudaSuccess ? version : 0;
}

int runtime_version() {
  return CUDART_VERSION;
}

DeviceCount count_devices() {
  DeviceCount found;
  const cudaError_t error = cudaGetDeviceCount(&found.count);
  cudaGetLastError();
  if (error == cudaSuccess && found.count > 0) return found;
  found.count = 0;
  const int driver = driver_version();
  if (driver == 0) {
    found.problem = no_driver();
  } else if (error == cudaErrorInsufficientDriver) {
    found.problem = old_driver(driver, CUDART_VERSION);
  } else if (error == cudaErrorNoDevice || error == cudaSuccess) {
    found.problem = no_gpu();
  } else {
    found.problem = std::string("the NVIDIA driver does not start: ") + cudaGetErrorString(error);
  }
  return found;
}

DeviceProperties device_properties(int device) {
  cudaDeviceProp found;
  check(cudaGetDeviceProperties(&found, device), "asking for a GPU's properties");
  DeviceProperties properties;
  properties.name = found.name;
  properties.major = found.major;
  properties.minor = found.minor;
  properties.multiprocessors = found.multiProcessorCount;
  properties.shared_bytes = found.sharedMemPerBlockOptin;
  properties.memory = static_cast<std::int64_t>(found.totalGlobalMem);
  return properties;
}

std::int64_t free_memory() {
  std::size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total), "asking for a GPU's memory");
  return static_cast<std::int64_t>(free);
}

bool device_has_code(int device) {
  const DeviceScope scope(device);
  cudaFuncAttributes attributes;
  const bool found = cudaFuncGetAttributes(&attributes, compiled_kernel) == cudaSuccess;
  cudaGetLastError();
  return found;
}

DeviceScope::DeviceScope(int device) : device_(device) {
  check(cudaGetDevice(&before_), "asking for the current GPU");
  check(cudaSetDevice(device), "choosing a GPU");
}

// A GPU that the process has not used yet would take some hundred MB on becoming the thread's.
DeviceScope::~DeviceScope() {
  if (before_ != device_ && is_in_use(before_)) cudaSetDevice(before_);
}

Stream create_stream() {
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "making a stream");
  return stream;
}

void destroy_stream(Stream stream) noexcept {
  cudaStreamDestroy(cuda_stream(stream));
}

void synchronize(Stream stream) {
  check(cudaStreamSynchronize(cuda_stream(stream)), "work on the GPU");
}

void wait_for(Stream stream, Stream other) {
  if (stream == other) return;
  cudaEvent_t event = nullptr;
  check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "making an event");
  const cudaError_t recorded = cudaEventRecord(event, cuda_stream(other));
  const cudaError_t waits = cudaStreamWaitEvent(cuda_stream(stream), event, 0);
  cudaEventDestroy(event);
  check(recorded, "marking a stream");
  check(waits, "waiting for a stream");
}

void* allocate(std::size_t bytes) {
  void* pointer = nullptr;
  check(cudaMalloc(&pointer, bytes == 0 ? 1 : bytes), "taking memory");
  return pointer;
}

void release(void* pointer) noexcept {
  cudaFree(pointer);
}

void copy_to_device(void* to, const void* from, std::size_t bytes, Stream stream) {
  if (bytes == 0) return;
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, cuda_stream(stream)), "copying to the GPU");
  // From pinned memory a copy goes on after the call; from other memory it is staged before.
  cudaPointerAttributes attributes;
  const bool known = cudaPointerGetAttributes(&attributes, from) == cudaSuccess;
  if (known && attributes.type == cudaMemoryTypeHost) synchronize(stream);
}

void copy_to_host(void* to, const void* from, std::size_t bytes, Stream stream) {
  if (bytes > 0) {
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, cuda_stream(stream)),
          "copying from the GPU");
  }
  synchronize(stream);
}

void fill_zero(void* to, std::size_t bytes, Stream stream) {
  if (bytes > 0) check(cudaMemsetAsync(to, 0, bytes, cuda_stream(stream)), "filling memory");
}

void* allocate_pinned(std::size_t bytes) {
  void* pointer = nullptr;
  check(cudaMallocHost(&pointer, bytes), "pinning host memory");
  return pointer;
}

void release_pinned(void* pointer) noexcept {
  if (pointer != nullptr) cudaFreeHost(pointer);
}

void queue_to_device(void* to, const void* pinned, std::size_t bytes, Stream stream) {
  check(cudaMemcpyAsync(to, pinned, bytes, cudaMemcpyHostToDevice, cuda_stream(stream)),
        "copying to the GPU");
}

void queue_to_host(void* pinned, const void* from, std::size_t bytes, Stream stream) {
  check(cudaMemcpyAsync(pinned, from, bytes, cudaMemcpyDeviceToHost, cuda_stream(stream)),
        "copying from the GPU");
}

Event::Event() {
  cudaEvent_t event = nullptr;
  check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "making an event");
  handle_ = event;
}

Event::~Event() {
  cudaEventDestroy(static_cast<cudaEvent_t>(handle_));
}

void Event::record(Stream stream) {
  check(cudaEventRecord(static_cast<cudaEvent_t>(handle_), cuda_stream(stream)), "marking a stream");
}

// CUDA does not wait for an event that was never recorded.
void Event::wait() {
  check(cudaEventSynchronize(static_cast<cudaEvent_t>(handle_)), "work on the GPU");
}

void Event::wait_or_give_up() noexcept {
  cudaEventSynchronize(static_cast<cudaEvent_t>(handle_));
}

}  // namespace medlsam::cuda
