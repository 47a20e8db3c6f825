#include <algorithm>

#include "runtimes/cpu/memory.hpp"
#include "runtimes/cpu/plan.hpp"

namespace medlsam::cpu {

std::size_t place_in_arena(std::span<Buffer> buffers) {
  std::vector<Buffer*> waiting;
  for (Buffer& buffer : buffers) {
    if (buffer.where == Buffer::Where::kArena && buffer.bytes > 0) waiting.push_back(&buffer);
  }
  std::stable_sort(waiting.begin(), waiting.end(),
                   [](const Buffer* a, const Buffer* b) { return a->bytes > b->bytes; });
  std::vector<const Buffer*> placed;  // by offset
  std::size_t size = 0;
  for (Buffer* buffer : waiting) {
    std::size_t offset = 0;
    for (const Buffer* other : placed) {
      if (other->last < buffer->first || buffer->last < other->first) continue;
      if (offset + aligned(buffer->bytes) <= other->offset) break;
      offset = std::max(offset, other->offset + aligned(other->bytes));
    }
    buffer->offset = offset;
    size = std::max(size, offset + aligned(buffer->bytes));
    placed.insert(std::upper_bound(placed.begin(), placed.end(), buffer,
                                   [](const Buffer* a, const Buffer* b) { return a->offset < b->offset; }),
                  buffer);
  }
  return size;
}

}  // namespace medlsam::cpu
