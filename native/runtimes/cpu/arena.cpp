#include <algorithm>

#include "runtimes/cpu/memory.hpp"
#include "runtimes/cpu/plan.hpp"

namespace medlsam::cpu {
namespace {

// Smaller buffers share the arena well enough.
constexpr std::size_t kLargeBuffer = std::size_t{1} << 20;

bool together(const Buffer& a, const Buffer& b) {
  return a.first <= b.last && b.first <= a.last;
}

}  // namespace

void place_in_outputs(std::span<Buffer> buffers, std::span<std::size_t> output_bytes) {
  std::vector<Buffer*> waiting;
  std::vector<std::vector<const Buffer*>> blocks(output_bytes.size());
  for (Buffer& buffer : buffers) {
    if (buffer.where == Buffer::Where::kOutput) {
      buffer.last = static_cast<std::size_t>(-1);  // of the caller from now on
      blocks[buffer.index].push_back(&buffer);
    } else if (buffer.where == Buffer::Where::kArena && buffer.bytes >= kLargeBuffer) {
      waiting.push_back(&buffer);
    }
  }
  std::stable_sort(waiting.begin(), waiting.end(),
                   [](const Buffer* a, const Buffer* b) { return a->bytes > b->bytes; });
  const std::vector<std::size_t> wanted(output_bytes.begin(), output_bytes.end());
  for (Buffer* buffer : waiting) {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const bool fits = buffer->bytes <= wanted[i] + wanted[i] / 8;
      const bool is_free = std::none_of(blocks[i].begin(), blocks[i].end(),
                                        [&](const Buffer* other) { return together(*buffer, *other); });
      if (!fits || !is_free) continue;
      buffer->where = Buffer::Where::kOutput;
      buffer->index = i;
      output_bytes[i] = std::max(output_bytes[i], buffer->bytes);
      blocks[i].push_back(buffer);
      break;
    }
  }
}

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
      if (!together(*buffer, *other)) continue;
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
