// The host as a GPU: its memory is the device's, work is done when it is asked for.
#include <cstdlib>
#include <cstring>

#include "base/error.hpp"
#include "kernels/cuda/memory.hpp"

namespace medlsam::cuda {

int driver_version() {
  return runtime_version();
}

int runtime_version() {
  return 13000;
}

DeviceCount count_devices() {
  return {1, ""};
}

DeviceProperties device_properties(int) {
  constexpr std::int64_t kMemory = std::int64_t{1} << 32;
  constexpr std::size_t kShared = 227 * 1024;  // of a Hopper GPU
  return {"host", kMemory, kMemory, 9, 0, 1, kShared};
}

bool device_has_code(int) {
  return true;
}

DeviceScope::DeviceScope(int) {}
DeviceScope::~DeviceScope() = default;

Stream create_stream() {
  return nullptr;
}

void destroy_stream(Stream) noexcept {}

void synchronize(Stream) {}

void wait_for(Stream, Stream) {}

void* allocate(std::size_t bytes) {
  // Memory that is not written is not zero, as on a GPU.
  void* pointer = std::malloc(bytes == 0 ? 1 : bytes);
  if (pointer == nullptr) throw Error(ErrorCode::kOutOfMemory, "Out of memory.");
  std::memset(pointer, 0xff, bytes);
  return pointer;
}

void release(void* pointer) noexcept {
  std::free(pointer);
}

void copy_to_device(void* to, const void* from, std::size_t bytes, Stream) {
  if (bytes > 0) std::memcpy(to, from, bytes);
}

void copy_to_host(void* to, const void* from, std::size_t bytes, Stream) {
  if (bytes > 0) std::memcpy(to, from, bytes);
}

void fill_zero(void* to, std::size_t bytes, Stream) {
  if (bytes > 0) std::memset(to, 0, bytes);
}

}  // namespace medlsam::cuda
