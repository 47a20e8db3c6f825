#include "kernels/cuda/memory_pool.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include "base/error.hpp"

namespace medlsam::cuda {
namespace {

constexpr std::size_t kMegabyte = std::size_t{1} << 20;

TEST_CASE("memory that is given back is lent again, to tensors of about its size") {
  MemoryPool pool;
  void* first = pool.take(kMegabyte);
  CHECK(pool.bytes() == kMegabyte);
  pool.give_back(first);
  CHECK(pool.bytes() == kMegabyte);
  CHECK(pool.take(kMegabyte - 100) == first);
  pool.give_back(first);
  // Half of it is less than it is worth, and twice as much does not fit.
  void* small = pool.take(kMegabyte / 4);
  void* large = pool.take(2 * kMegabyte);
  CHECK(small != first);
  CHECK(large != first);
  CHECK(pool.bytes() == kMegabyte + kMegabyte / 4 + 2 * kMegabyte);
  pool.release_unused();
  CHECK(pool.bytes() == kMegabyte / 4 + 2 * kMegabyte);
  pool.give_back(nullptr);
  CHECK_THROWS_AS(pool.give_back(first), Error);
}

TEST_CASE("no more than the pool's bound is kept") {
  MemoryPool pool;
  constexpr std::size_t kBound = MemoryPool::kMostUnused;
  void* most = pool.take(kBound);
  void* one = pool.take(kMegabyte);
  pool.give_back(most);
  CHECK(pool.bytes() == kBound + kMegabyte);
  pool.give_back(one);
  CHECK(pool.bytes() == kBound);
}

TEST_CASE("what is kept gives way where memory does not suffice") {
  setenv("MEDLSAM_STAND_IN_MEMORY", "8", 1);
  {
    MemoryPool pool;
    void* kept = pool.take(4 * kMegabyte);
    pool.give_back(kept);
    void* next = pool.take(2 * kMegabyte);
    void* after = pool.take(5 * kMegabyte);  // with what is kept there would be 11
    CHECK(pool.bytes() == 7 * kMegabyte);
    CHECK_THROWS_WITH_AS(pool.take(3 * kMegabyte), "Out of memory.", Error);
    pool.give_back(next);
    pool.give_back(after);
  }
  unsetenv("MEDLSAM_STAND_IN_MEMORY");
}

}  // namespace
}  // namespace medlsam::cuda
