#include "kernels/cuda/staging.hpp"

#include <algorithm>
#include <cstring>

namespace medlsam::cuda {
namespace {

// Bytes [begin, end) of a copy that its chunk moves.
struct Chunk {
  std::size_t begin, bytes;
};

Chunk chunk_of(std::size_t bytes, std::size_t i) {
  const std::size_t begin = i * Staging::kBufferBytes;
  return {begin, std::min(Staging::kBufferBytes, bytes - begin)};
}

std::size_t chunks_of(std::size_t bytes) {
  return (bytes + Staging::kBufferBytes - 1) / Staging::kBufferBytes;
}

}  // namespace

Staging::~Staging() {
  for (Buffer& each : buffers_) {
    if (each.used) each.used->wait_or_give_up();
    release_pinned(each.data);
  }
}

// The chunk's buffer, once the copy that used it last is done.
Staging::Buffer& Staging::buffer(std::size_t chunk) {
  Buffer& chosen = buffers_[chunk % buffers_.size()];
  if (!chosen.used) {
    chosen.data = allocate_pinned(kBufferBytes);
    chosen.used = std::make_unique<Event>();
  }
  chosen.used->wait();
  return chosen;
}

void Staging::upload(void* to, const void* from, std::size_t bytes, Stream stream) {
  if (bytes < kSmall) return copy_to_device(to, from, bytes, stream);
  for (std::size_t i = 0; i < chunks_of(bytes); ++i) {
    const auto [begin, some] = chunk_of(bytes, i);
    Buffer& staged = buffer(i);
    std::memcpy(staged.data, static_cast<const std::byte*>(from) + begin, some);
    queue_to_device(static_cast<std::byte*>(to) + begin, staged.data, some, stream);
    staged.used->record(stream);
  }
}

void Staging::download(void* to, const void* from, std::size_t bytes, Stream stream) {
  if (bytes < kSmall) return copy_to_host(to, from, bytes, stream);
  const std::size_t chunks = chunks_of(bytes);
  const auto queue = [&](std::size_t i) {
    const auto [begin, some] = chunk_of(bytes, i);
    Buffer& staged = buffer(i);
    queue_to_host(staged.data, static_cast<const std::byte*>(from) + begin, some, stream);
    staged.used->record(stream);
  };
  queue(0);
  for (std::size_t i = 0; i < chunks; ++i) {
    if (i + 1 < chunks) queue(i + 1);
    const auto [begin, some] = chunk_of(bytes, i);
    std::memcpy(static_cast<std::byte*>(to) + begin, buffer(i).data, some);
  }
}

}  // namespace medlsam::cuda
