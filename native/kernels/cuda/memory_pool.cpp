#include "kernels/cuda/memory_pool.hpp"

#include <algorithm>
#include <tuple>

#include "base/error.hpp"
#include "kernels/cuda/memory.hpp"

namespace medlsam::cuda {

MemoryPool::~MemoryPool() {
  for (const auto& [pointer, bytes] : lent_) release(pointer);
  release_kept();
}

void* MemoryPool::take(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  const std::size_t wanted = std::max<std::size_t>(bytes, 1);
  void* pointer = nullptr;
  std::size_t size = wanted;
  // Memory of twice the size and more waits for larger tensors.
  if (const auto found = kept_.lower_bound(wanted); found != kept_.end() && found->first < 2 * wanted) {
    std::tie(size, pointer) = *found;
    kept_.erase(found);
    kept_bytes_ -= size;
  } else {
    pointer = allocate_again(wanted);
  }
  lent_[pointer] = size;
  lent_bytes_ += size;
  return pointer;
}

void* MemoryPool::allocate_again(std::size_t bytes) {
  try {
    return allocate(bytes);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kOutOfMemory || kept_.empty()) throw;
    release_kept();
    return allocate(bytes);
  }
}

void MemoryPool::give_back(void* pointer) {
  if (pointer == nullptr) return;
  const std::lock_guard lock(mutex_);
  const auto found = lent_.find(pointer);
  if (found == lent_.end())
    throw Error(ErrorCode::kBadArgument, "Memory of a GPU was given back that was not taken.");
  const std::size_t size = found->second;
  lent_.erase(found);
  lent_bytes_ -= size;
  if (kept_bytes_ + size > static_cast<std::size_t>(kMostUnused)) return release(pointer);
  kept_.emplace(size, pointer);
  kept_bytes_ += size;
}

void MemoryPool::release_unused() noexcept {
  const std::lock_guard lock(mutex_);
  release_kept();
}

void MemoryPool::release_kept() noexcept {
  for (const auto& [bytes, pointer] : kept_) release(pointer);
  kept_.clear();
  kept_bytes_ = 0;
}

std::size_t MemoryPool::bytes() const {
  const std::lock_guard lock(mutex_);
  return lent_bytes_ + kept_bytes_;
}

}  // namespace medlsam::cuda
