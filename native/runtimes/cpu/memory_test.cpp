// How the memory of networks is used again and given back.
#include "runtimes/cpu/memory.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "runtimes/cpu/arenas.hpp"

namespace medlsam::cpu {

TEST_CASE("a pool gives a block back to who asks for nearly its size, and keeps as many as it is told") {
  BlockPool pool;
  Block large = pool.take(1000);
  std::byte* const place = large.data();
  CHECK(reinterpret_cast<std::uintptr_t>(place) % kAlignment == 0);
  pool.give_back(std::move(large));
  CHECK(pool.take(100).data() != place);
  CHECK(pool.take(600).data() == place);  // and it is gone with the block
  pool.keep(2);
  for (const std::size_t bytes : {100, 200, 300}) pool.give_back(Block(bytes));
  CHECK(pool.idle() == 2);
  CHECK(pool.take(100).bytes() == 200);  // the one of 100 came back first
  pool.keep(0);
  CHECK(pool.idle() == 0);
}

TEST_CASE("values that were paged out are still there") {
  std::vector<float> values(100'000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  const std::vector<float> wanted = values;
  page_out(std::span(values).subspan(1));
  page_out({});
  CHECK(values == wanted);
}

TEST_CASE("an arena serves every call that it is large enough for, and goes with the last network") {
  Arenas arenas;
  std::optional<Arenas::User> one(arenas), other(arenas);
  const auto run = [&](std::size_t bytes) { return Arenas::Call(arenas, bytes).data(); };
  std::byte* const place = run(1000);
  CHECK(run(10) == place);
  CHECK(run(1000) == place);
  CHECK(arenas.idle() == 1);
  (void)run(1'000'000);  // a larger one in place of the smaller
  CHECK(arenas.idle() == 1);
  one.reset();
  CHECK(arenas.idle() == 1);
  other.reset();
  CHECK(arenas.idle() == 0);
  (void)run(10);
  CHECK(arenas.idle() == 0);
}

TEST_CASE("arenas stay for as many calls as ran at once lately") {
  Arenas arenas;
  const Arenas::User user(arenas);
  {
    const Arenas::Call a(arenas, 10), b(arenas, 10), c(arenas, 10);
    CHECK(arenas.at_once() == 3);
    CHECK(a.data() != b.data());
  }
  CHECK(arenas.idle() == 3);
  for (int i = 0; i < 12; ++i) const Arenas::Call call(arenas, 10);
  CHECK(arenas.idle() == 3);
  for (int i = 0; i < 32; ++i) const Arenas::Call call(arenas, 10);
  CHECK(arenas.at_once() == 1);
  CHECK(arenas.idle() == 1);
}

}  // namespace medlsam::cpu
