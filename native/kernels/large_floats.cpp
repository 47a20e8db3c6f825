#include "kernels/large_floats.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <new>

namespace medlsam {
namespace {

constexpr std::size_t kLine = 64, kLargePage = std::size_t{2} << 20;

}  // namespace

LargeFloats::LargeFloats(std::size_t size) : size_(size) {
  const std::size_t bytes = size * sizeof(float), alignment = bytes >= kLargePage ? kLargePage : kLine;
  const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  if (rounded == 0) return;
  void* memory = std::aligned_alloc(alignment, rounded);
  if (memory == nullptr) throw std::bad_alloc();
  values_.reset(static_cast<float*>(memory));
#if defined(MADV_HUGEPAGE)
  if (alignment == kLargePage) madvise(memory, rounded, MADV_HUGEPAGE);
#endif
  std::memset(memory, 0, rounded);
}

void LargeFloats::Free::operator()(float* values) const {
  std::free(values);
}

}  // namespace medlsam
