// Memory, streams and limits of a GPU. The plugin has them from CUDA's runtime (memory_cuda.cpp); in tests of
// the kernels on the host, the device's memory is the host's (memory_host.cpp). Functions throw
// kOutOfMemory where memory did not suffice and kDeviceFailed where anything else failed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace medlsam::cuda {

using Stream = void*;  // cudaStream_t

struct DeviceProperties {
  std::string name;
  std::int64_t memory = 0;   // bytes, of all programs together
  int major = 0, minor = 0;  // compute capability
  int multiprocessors = 0;
  std::size_t shared_bytes = 0;  // of one block, at most
};

// CUDA's versions, 13000 for 13.0; the driver's is 0 where there is none.
int driver_version();
int runtime_version();

// How many GPUs there are, or why none can be used: one sentence.
struct DeviceCount {
  int count = 0;
  std::string problem;
};
DeviceCount count_devices();
// Takes no memory of the device, which counting and describing all of them must not.
DeviceProperties device_properties(int device);
// Whether the kernels were compiled for the device, or can be by its driver.
bool device_has_code(int device);

// Makes a device the calling thread's, and the one before again in the end, if the process uses that.
class DeviceScope {
 public:
  explicit DeviceScope(int device);
  ~DeviceScope();
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

 private:
  int device_, before_ = 0;
};

// Bytes of the thread's device that nobody has taken.
std::int64_t free_memory();

Stream create_stream();
void destroy_stream(Stream stream) noexcept;
void synchronize(Stream stream);
// Work queued in `stream` from now on begins after the work queued in `other` until now.
void wait_for(Stream stream, Stream other);

void* allocate(std::size_t bytes);
void release(void* pointer) noexcept;
// Returns when `from` may be changed.
void copy_to_device(void* to, const void* from, std::size_t bytes, Stream stream);
// Returns when `to` has the values.
void copy_to_host(void* to, const void* from, std::size_t bytes, Stream stream);
void fill_zero(void* to, std::size_t bytes, Stream stream);

// Host memory that a GPU copies by itself (staging.hpp). Copies are only queued: `pinned` is the stream's
// until an event that was recorded after it.
void* allocate_pinned(std::size_t bytes);
void release_pinned(void* pointer) noexcept;
void queue_to_device(void* to, const void* pinned, std::size_t bytes, Stream stream);
void queue_to_host(void* pinned, const void* from, std::size_t bytes, Stream stream);

// A place in the work of a stream of the thread's device.
class Event {
 public:
  Event();
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void record(Stream stream);
  void wait();  // until the work before the last record is done; not at all before the first
  void wait_or_give_up() noexcept;

 private:
  void* handle_ = nullptr;
};

// Device memory that grows to what was asked of it and never shrinks.
template <class T>
class DeviceArray {
 public:
  DeviceArray() = default;
  DeviceArray(DeviceArray&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), capacity_(std::exchange(other.capacity_, 0)) {}
  DeviceArray& operator=(DeviceArray&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }
  ~DeviceArray() { release(data_); }

  // Room for `count` elements; what was there is lost where it grows.
  T* at_least(std::size_t count) {
    if (count > capacity_) {
      release(std::exchange(data_, nullptr));
      capacity_ = 0;
      data_ = static_cast<T*>(allocate(count * sizeof(T)));
      capacity_ = count;
    }
    return data_;
  }
  const T* upload(std::span<const T> values, Stream stream) {
    copy_to_device(at_least(values.size()), values.data(), values.size_bytes(), stream);
    return data_;
  }
  void free() {
    release(std::exchange(data_, nullptr));
    capacity_ = 0;
  }
  T* data() const { return data_; }
  std::size_t bytes() const { return capacity_ * sizeof(T); }

 private:
  T* data_ = nullptr;
  std::size_t capacity_ = 0;
};

// The first `count` elements on the host.
template <class T>
std::vector<T> download(const T* from, std::size_t count, Stream stream) {
  std::vector<T> values(count);
  copy_to_host(values.data(), from, count * sizeof(T), stream);
  return values;
}

}  // namespace medlsam::cuda
