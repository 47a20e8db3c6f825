#include "torch/aten/caching_allocator.hpp"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/alignment.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <deque>
#include <list>
#include <mutex>
#include <new>
#include <unordered_map>

namespace medlsam::torch {
namespace {

// Allocations of this size or more are mapped one by one, and pay for their pages each time.
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
  // ATen frees by pointer alone, so the allocator must recognize its own blocks by theirs.
  c10::DeleterFnPtr raw_deleter() const override {
    return [](void* data) { instance().give_back(data); };
  }
  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    std::memcpy(to, from, bytes);
  }

  void keep_at_most(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    most_kept_ = bytes;
    trim(most_kept_);
  }

  std::size_t kept() {
    const std::lock_guard lock(mutex_);
    return kept_;
  }

  void release() {
    const std::lock_guard lock(mutex_);
    trim(0);
  }

 private:
  struct Block {
    void* data;
    std::size_t size;
  };
  using Blocks = std::list<Block>;

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
    used_[data] = size;
    return data;
  }

  // The block that was dropped last, which the processor's caches may still hold.
  void* reuse(std::size_t size) {
    const std::lock_guard lock(mutex_);
    auto& blocks = by_size_[size];
    if (blocks.empty()) return nullptr;
    const auto block = blocks.back();
    blocks.pop_back();
    return forget(block);
  }

  void give_back(void* data) {
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = used_.find(data); found != used_.end()) {
        const std::size_t size = found->second;
        used_.erase(found);
        by_size_[size].push_back(free_.insert(free_.end(), {data, size}));
        kept_ += size;
        trim(most_kept_);
        return;
      }
    }
    plain_->raw_deallocate(data);
  }

  // Frees the blocks that were dropped longest ago. The caller holds the lock.
  void trim(std::size_t most) {
    while (kept_ > most) {
      by_size_[free_.front().size].pop_front();
      std::free(forget(free_.begin()));
    }
  }

  void* forget(Blocks::iterator block) {
    void* data = block->data;
    kept_ -= block->size;
    free_.erase(block);
    return data;
  }

  c10::Allocator* plain_ = c10::GetDefaultCPUAllocator();
  std::mutex mutex_;
  std::size_t most_kept_ = 0, kept_ = 0;
  Blocks free_;  // what was dropped longest ago first
  std::unordered_map<std::size_t, std::deque<Blocks::iterator>> by_size_;  // the same, in the same order
  std::unordered_map<void*, std::size_t> used_;
};

}  // namespace

void cache_tensor_memory() {
  const auto pages = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES));
  cache_tensor_memory(pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) / 2);
}

void cache_tensor_memory(std::size_t most_kept) {
  CachingAllocator::instance().keep_at_most(most_kept);
  c10::SetCPUAllocator(&CachingAllocator::instance(), 1);
}

std::size_t cached_memory() {
  return CachingAllocator::instance().kept();
}

void release_cached_memory() {
  CachingAllocator::instance().release();
}

}  // namespace medlsam::torch
