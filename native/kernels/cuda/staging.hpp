// Copies between pageable host memory and a GPU, through pinned memory.
#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include "kernels/cuda/memory.hpp"

namespace medlsam::cuda {

// Two pinned buffers in turn: the GPU copies one while the host fills or empties the other. Copies of
// pageable memory by the driver itself go through a buffer of its own, one piece after another. Small copies
// do that nevertheless, as they gain nothing. The buffers are allocated with the first large copy, and kept.
class Staging {
 public:
  static constexpr std::size_t kBufferBytes = std::size_t{4} << 20;
  static constexpr std::size_t kSmall = std::size_t{256} << 10;  // bytes; from here on copies are staged

  Staging() = default;
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  // Returns when `from` may be changed; later work in the stream has the values.
  void upload(void* to, const void* from, std::size_t bytes, Stream stream);
  // Returns when `to` has the values.
  void download(void* to, const void* from, std::size_t bytes, Stream stream);

 private:
  struct Buffer {
    void* data = nullptr;
    std::unique_ptr<Event> used;  // recorded after the copy that uses it
  };
  Buffer& buffer(std::size_t chunk);

  std::array<Buffer, 2> buffers_;
};

}  // namespace medlsam::cuda
