// The host as a GPU: its memory is the device's, work is done when it is asked for, but
// for queued copies, which are done when something waits for them. MEDLSAM_STAND_IN_GPUS:
// how many there are (1), or −1 for a machine without a driver. MEDLSAM_STAND_IN_CUDA: the driver's CUDA
// version. MEDLSAM_STAND_IN_MEMORY: MB of memory that all have together.
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "base/error.hpp"
#include "kernels/cuda/driver_problems.hpp"
#include "kernels/cuda/launch.hpp"
#include "kernels/cuda/memory.hpp"

namespace medlsam::cuda {
namespace {

int number(const char* variable, int otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::atoi(text);
}

std::int64_t all_memory() {
  constexpr int kMegabytes = 4096;
  return std::int64_t{number("MEDLSAM_STAND_IN_MEMORY", kMegabytes)} << 20;
}

// Blocks that were taken and not given back.
struct Taken {
  std::mutex mutex;
  std::map<void*, std::size_t> blocks;
  std::int64_t bytes = 0;
};

Taken& taken() {
  static Taken all;
  return all;
}

// Copies that were queued and not done yet.
struct Queue {
  std::mutex mutex;
  std::vector<std::function<void()>> copies;
};

Queue& queue() {
  static Queue all;
  return all;
}

void enqueue(void* to, const void* from, std::size_t bytes) {
  const std::lock_guard lock(queue().mutex);
  queue().copies.emplace_back([=] { std::memcpy(to, from, bytes); });
}

}  // namespace

int driver_version() {
  return number("MEDLSAM_STAND_IN_CUDA", runtime_version());
}

int runtime_version() {
  return 13000;
}

DeviceCount count_devices() {
  const int gpus = number("MEDLSAM_STAND_IN_GPUS", 1);
  if (gpus < 0) return {0, no_driver()};
  if (driver_version() < runtime_version()) return {0, old_driver(driver_version(), runtime_version())};
  return {gpus, gpus == 0 ? no_gpu() : ""};
}

DeviceProperties device_properties(int) {
  constexpr std::size_t kShared = 227 * 1024;  // of a Hopper GPU
  return {"host", all_memory(), 9, 0, 1, kShared};
}

std::int64_t free_memory() {
  const std::lock_guard lock(taken().mutex);
  return all_memory() - taken().bytes;
}

bool device_has_code(int) {
  return true;
}

DeviceScope::DeviceScope(int device) : device_(device) {}
DeviceScope::~DeviceScope() = default;

Stream create_stream() {
  return nullptr;
}

void destroy_stream(Stream) noexcept {}

void finish_queued() {
  const std::lock_guard lock(queue().mutex);
  for (const auto& copy : queue().copies) copy();
  queue().copies.clear();
}

void synchronize(Stream) {
  finish_queued();
}

void wait_for(Stream, Stream) {
  finish_queued();
}

void* allocate(std::size_t bytes) {
  const std::lock_guard lock(taken().mutex);
  const bool fits = taken().bytes + static_cast<std::int64_t>(bytes) <= all_memory();
  void* pointer = fits ? std::malloc(bytes == 0 ? 1 : bytes) : nullptr;
  if (pointer == nullptr) throw Error(ErrorCode::kOutOfMemory, "Out of memory.");
  // Memory that is not written is not zero, as on a GPU.
  std::memset(pointer, 0xff, bytes);
  taken().blocks[pointer] = bytes;
  taken().bytes += static_cast<std::int64_t>(bytes);
  return pointer;
}

void release(void* pointer) noexcept {
  if (pointer == nullptr) return;
  finish_queued();  // freeing waits for all work of the device
  const std::lock_guard lock(taken().mutex);
  const auto found = taken().blocks.find(pointer);
  taken().bytes -= static_cast<std::int64_t>(found->second);
  taken().blocks.erase(found);
  std::free(pointer);
}

void copy_to_device(void* to, const void* from, std::size_t bytes, Stream) {
  finish_queued();
  if (bytes > 0) std::memcpy(to, from, bytes);
}

void copy_to_host(void* to, const void* from, std::size_t bytes, Stream) {
  finish_queued();
  if (bytes > 0) std::memcpy(to, from, bytes);
}

void fill_zero(void* to, std::size_t bytes, Stream) {
  finish_queued();
  if (bytes > 0) std::memset(to, 0, bytes);
}

void* allocate_pinned(std::size_t bytes) {
  return std::malloc(bytes);
}

void release_pinned(void* pointer) noexcept {
  std::free(pointer);
}

void queue_to_device(void* to, const void* pinned, std::size_t bytes, Stream) {
  enqueue(to, pinned, bytes);
}

void queue_to_host(void* pinned, const void* from, std::size_t bytes, Stream) {
  enqueue(pinned, from, bytes);
}

Event::Event() = default;
Event::~Event() = default;

void Event::record(Stream) {}

void Event::wait() {
  finish_queued();
}

void Event::wait_or_give_up() noexcept {
  finish_queued();
}

}  // namespace medlsam::cuda
