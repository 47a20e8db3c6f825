#include "runtimes/cpu/memory.hpp"

#include <cstdint>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace medlsam::cpu {

Block BlockPool::take(std::size_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    auto best = idle_.end();
    for (auto each = idle_.begin(); each != idle_.end(); ++each) {
      const bool fits = each->bytes() >= bytes && each->bytes() / 2 <= bytes;
      if (fits && (best == idle_.end() || each->bytes() <= best->bytes())) best = each;
    }
    if (best != idle_.end()) {
      Block taken = std::move(*best);
      idle_.erase(best);
      return taken;
    }
  }
  return Block(bytes);
}

void BlockPool::give_back(Block block) {
  std::vector<Block> dropped;  // freed without the lock
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(block));
  drop(dropped);
}

void BlockPool::keep(std::size_t blocks) {
  std::vector<Block> dropped;
  const std::lock_guard lock(mutex_);
  kept_ = blocks;
  drop(dropped);
}

std::size_t BlockPool::idle() const {
  const std::lock_guard lock(mutex_);
  return idle_.size();
}

void BlockPool::drop(std::vector<Block>& dropped) {
  while (idle_.size() > kept_) {
    dropped.push_back(std::move(idle_.front()));
    idle_.erase(idle_.begin());
  }
}

void page_out([[maybe_unused]] std::span<const float> values) {
#if defined(MADV_PAGEOUT)
  constexpr std::uintptr_t kPage = 4096;  // the system's, or a divisor of it: then the advice is refused
  const auto begin = reinterpret_cast<std::uintptr_t>(values.data());
  const std::uintptr_t first = (begin + kPage - 1) / kPage * kPage;
  const std::uintptr_t last = (begin + values.size_bytes()) / kPage * kPage;
  if (first < last) (void)madvise(reinterpret_cast<void*>(first), last - first, MADV_PAGEOUT);
#endif
}

std::shared_ptr<std::byte> shared_block(const std::shared_ptr<BlockPool>& pool, std::size_t bytes) {
  // Held by the deleter's copy of a pointer, because a deleter must not throw when it is copied.
  auto block = std::make_shared<Block>(pool->take(bytes));
  std::byte* const data = block->data();
  return {data, [pool, block](std::byte*) { pool->give_back(std::move(*block)); }};
}

}  // namespace medlsam::cpu
