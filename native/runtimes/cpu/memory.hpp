// Memory of networks in use. A run's temporaries are hundreds of megabytes: taken from the system anew each
// time, their page faults cost a large part of the run.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/aligned_memory.hpp"

namespace medlsam::cpu {

// Blocks that are used again. One that is asked for is the smallest idle one that is large enough and less
// than twice as large, else a new one. At most kept() blocks stay idle, those that came back last.
class BlockPool {
 public:
  Block take(std::size_t bytes);
  void give_back(Block block);

  void keep(std::size_t blocks);  // changes how many may be idle
  std::size_t idle() const;

 private:
  void drop(std::vector<Block>& dropped);

  mutable std::mutex mutex_;
  std::vector<Block> idle_;  // in the order in which they came back
  std::size_t kept_ = 1;
};

// Says that these values are not needed in memory for now: what is mapped from a file leaves it, and is read
// again when somebody asks for it. Only whole pages do, and only where the system follows such advice.
void page_out(std::span<const float> values);

// A block of the pool whose memory goes back to it with the last owner, even if that is after the pool's own
// owner is gone.
std::shared_ptr<std::byte> shared_block(const std::shared_ptr<BlockPool>& pool, std::size_t bytes);

}  // namespace medlsam::cpu
