#include "base/aligned_memory.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace medlsam {
namespace {

constexpr std::size_t kLargePage = std::size_t{2} << 20;

}  // namespace

Block::Block(std::size_t bytes) : bytes_(bytes) {
  const bool large = bytes >= 2 * kLargePage;
  const std::size_t alignment = large ? kLargePage : kAlignment;
  const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  data_.reset(static_cast<std::byte*>(std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded)));
  if (!data_) throw std::bad_alloc();
#if defined(__linux__)
  if (large) (void)madvise(data_.get(), rounded, MADV_HUGEPAGE);  // advice: it may be refused
#endif
}

void Block::Free::operator()(std::byte* data) const {
  std::free(data);
}

AlignedFloats AlignedFloats::zeros(std::size_t count) {
  AlignedFloats made(count);
  std::fill_n(made.data(), count, 0.0f);
  return made;
}

float* AlignedFloats::at_least(std::size_t count) {
  if (count > size()) {
    block_ = {};  // before there are two
    block_ = Block(count * sizeof(float));
  }
  return data();
}

}  // namespace medlsam
