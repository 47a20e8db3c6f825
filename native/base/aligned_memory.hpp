// Memory for vectors: it begins at a cache line and, where it is large, lies in large pages if the system has
// them. Nothing initializes it.
#pragma once

#include <cstddef>
#include <memory>

namespace medlsam {

inline constexpr std::size_t kAlignment = 64;  // a cache line, and the widest vector

constexpr std::size_t aligned(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

class Block {
 public:
  Block() = default;
  explicit Block(std::size_t bytes);  // throws std::bad_alloc

  std::byte* data() const { return data_.get(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Free {
    void operator()(std::byte* data) const;
  };
  std::unique_ptr<std::byte, Free> data_;
  std::size_t bytes_ = 0;
};

class AlignedFloats {
 public:
  AlignedFloats() = default;
  explicit AlignedFloats(std::size_t count) : block_(count * sizeof(float)) {}
  static AlignedFloats zeros(std::size_t count);

  float* data() const { return reinterpret_cast<float*>(block_.data()); }
  std::size_t size() const { return block_.bytes() / sizeof(float); }

  // The first `count` floats, in new memory if there are fewer; the values in the old are lost. For memory
  // that is kept from call to call: new memory would cost a page fault every 4 KB in each.
  float* at_least(std::size_t count);

 private:
  Block block_;
};

}  // namespace medlsam
