#include "torch/aten/caching_allocator.hpp"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/alignment.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <unordered_map>
#include <vector>

namespace medlsam::torch {
namespace {

// From here on an allocation is mapped by itself, and costs its pages each time.
constexpr std::size_t kSmallest = std::size_t{1} << 20;
// Sizes are rounded up to this, so that nearly equal ones share; also the size of a huge page.
constexpr std::size_t kGranule = std::size_t{1} << 21;

class CachingAllocator final : public c10::Allocator {
 public:
  // Lives as long as the process: tensors may outlive everything else.
  static CachingAllocator& instance() {
    static auto* allocator = new CachingAllocator;
    return *allocator;
  }

  c10::DataPtr allocate(std::size_t bytes) override {
    void* data = bytes < kSmallest ? plain_->raw_allocate(bytes) : take(bytes);
    return {data, data, raw_deleter(), c10::Device(c10::DeviceType::CPU)};
  }
  // ATen frees by the pointer alone, so what is ours must be known by it.
  c10::DeleterFnPtr raw_deleter() const override {
    return [](void* data) { instance().give_back(data); };
  }
  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    std::memcpy(to, from, bytes);
  }

  void release() {
    const std::lock_guard lock(mutex_);
    for (auto& [size, blocks] : free_) {
      for (void* data : blocks) std::free(data);
    }
    free_.clear();
  }

 private:
  void* take(std::size_t bytes) {
    const std::size_t size = (bytes + kGranule - 1) / kGranule * kGranule;
    void* data = reuse(size);
    if (data == nullptr) data = std::aligned_alloc(kGranule, size);
    if (data == nullptr) {
      release();
      data = std::aligned_alloc(kGranule, size);
    }
    if (data == nullptr) throw std::bad_alloc();
    const std::lock_guard lock(mutex_);
    sizes_[data] = size;
    return data;
  }

  void* reuse(std::size_t size) {
    const std::lock_guard lock(mutex_);
    auto& blocks = free_[size];
    if (blocks.empty()) return nullptr;
    void* data = blocks.back();
    blocks.pop_back();
    return data;
  }

  void give_back(void* data) {
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = sizes_.find(data); found != sizes_.end()) {
        free_[found->second].push_back(data);
        sizes_.erase(found);
        return;
      }
    }
    plain_->raw_deallocate(data);
  }

  c10::Allocator* plain_ = c10::GetDefaultCPUAllocator();
  std::mutex mutex_;
  std::map<std::size_t, std::vector<void*>> free_;
  std::unordered_map<void*, std::size_t> sizes_;  // of what is in use
};

}  // namespace

void cache_tensor_memory() {
  c10::SetCPUAllocator(&CachingAllocator::instance(), 1);
}

void release_cached_memory() {
  CachingAllocator::instance().release();
}

}  // namespace medlsam::torch
