#pragma once

#include <cstdint>

#include "base/aligned_memory.hpp"

namespace medlsam {

// Memory of one thread for the time of one call of a kernel, in aligned parts: they are taken twice in the
// same order, first to learn how much they are, and after begin() to have them. The memory is kept by the
// thread: new memory would cost a page fault every 4 KB. What a kernel calls must not use it, too.
class Scratch {
 public:
  // Null before begin().
  float* take(std::int64_t floats) {
    constexpr auto kLine = static_cast<std::int64_t>(kAlignment / sizeof(float));
    float* const part = memory_ == nullptr ? nullptr : memory_ + taken_;
    taken_ += (floats + kLine - 1) / kLine * kLine;
    return part;
  }

  void begin() {
    thread_local AlignedFloats kept;
    memory_ = kept.at_least(static_cast<std::size_t>(taken_));
    taken_ = 0;
  }

 private:
  float* memory_ = nullptr;
  std::int64_t taken_ = 0;
};

}  // namespace medlsam
