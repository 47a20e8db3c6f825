// Before doctest, whose CHECK libtorch would replace by its own.
#include "torch/aten/caching_allocator.hpp"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <vector>

namespace medlsam::torch {
namespace {

constexpr std::int64_t kMebibyte = std::int64_t{1} << 20;

at::Tensor mebibytes(std::int64_t count) {
  return at::empty({count * kMebibyte}, at::kByte);
}

struct Caching {
  explicit Caching(std::size_t most) {
    release_cached_memory();
    cache_tensor_memory(most);
  }
  ~Caching() {
    release_cached_memory();
    cache_tensor_memory();
  }
};

TEST_CASE("the memory of a dropped tensor is that of the next one of its size") {
  const Caching caching(64 * kMebibyte);
  const void* first = mebibytes(8).const_data_ptr();
  CHECK(cached_memory() == 8 * kMebibyte);
  const at::Tensor second = mebibytes(8);
  CHECK(second.const_data_ptr() == first);
  CHECK(cached_memory() == 0);
}

TEST_CASE("no more than the bound is kept, and of that what was dropped last") {
  const Caching caching(16 * kMebibyte);
  std::vector<at::Tensor> tensors;
  for (const std::int64_t size : {4, 6, 8, 2}) tensors.push_back(mebibytes(size));
  const void* third = tensors[2].const_data_ptr();
  for (at::Tensor& tensor : tensors) tensor.reset();
  // 4 + 6 + 8 would be 18: the first went back when the third was dropped.
  CHECK(cached_memory() == 16 * kMebibyte);
  CHECK(mebibytes(8).const_data_ptr() == third);
  { const at::Tensor larger = mebibytes(32); }
  CHECK(cached_memory() == 0);
  release_cached_memory();
  CHECK(cached_memory() == 0);
}

}  // namespace
}  // namespace medlsam::torch
