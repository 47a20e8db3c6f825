// Device memory for tensors that come and go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

namespace medlsam::cuda {

// Memory that is given back is lent again, because freeing a GPU's memory waits for all of its work. What is
// lent again is written in the order of one stream, so that whoever had it before has read it. Safe to use
// from several threads.
class MemoryPool {
 public:
  // Bytes that are kept for later, at most: the patches of eight batches.
  static constexpr std::int64_t kMostUnused = std::int64_t{256} << 20;

  MemoryPool() = default;
  // Frees everything, lent or not.
  ~MemoryPool();
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;

  // Throws kOutOfMemory where there is no room even without what is kept.
  void* take(std::size_t bytes);
  // Throws kBadArgument for memory that was not taken here; null is nothing.
  void give_back(void* pointer);
  void release_unused() noexcept;
  std::size_t bytes() const;  // lent or kept

 private:
  void* allocate_again(std::size_t bytes);
  void release_kept() noexcept;

  mutable std::mutex mutex_;
  std::map<void*, std::size_t> lent_;
  std::multimap<std::size_t, void*> kept_;
  std::size_t lent_bytes_ = 0, kept_bytes_ = 0;
};

}  // namespace medlsam::cuda
