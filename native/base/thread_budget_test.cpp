#include "base/thread_budget.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

using namespace medlsam;

TEST_CASE("thread budget: runs have no more threads together than there are, and at most all") {
  ThreadBudget budget(3);
  std::atomic<unsigned> used = 0, most = 0;
  std::vector<std::thread> runs;
  for (unsigned i = 0; i < 40; ++i) {
    runs.emplace_back([&, wanted = i % 5] {
      const auto share = budget.take(wanted, {});
      const unsigned now = used += share.threads();
      for (unsigned seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
      }
      std::this_thread::yield();
      used -= share.threads();
    });
  }
  for (std::thread& run : runs) run.join();
  CHECK(most <= 3);
  CHECK(budget.take(0, {}).threads() == 1);
  CHECK(budget.take(9, {}).threads() == 3);
}

TEST_CASE("thread budget: runs of one thread each go at once") {
  ThreadBudget budget(2);
  const auto first = budget.take(1, {});
  const auto second = budget.take(1, {});  // would hang if it had to wait
  CHECK(first.threads() + second.threads() == 2);
}

TEST_CASE("thread budget: a call that waits ends when it is cancelled, and those behind it go on") {
  ThreadBudget budget(2);
  std::optional<ErrorCode> code;
  std::atomic<bool> later = false;
  Task waiting;
  waiting.cancelled = std::make_shared<Cancellation>();
  {
    const auto held = budget.take(1, {});
    std::thread all([&] {
      try {
        (void)budget.take(2, waiting);
      } catch (const Error& error) {
        code = error.code();
      }
    });
    waiting.cancelled->request();
    all.join();
    std::thread one([&] { later = budget.take(1, {}).threads() == 1; });
    one.join();
  }
  CHECK(code == ErrorCode::kAborted);
  CHECK(later);
  CHECK_THROWS_AS(budget.take(1, waiting), Error);
  CHECK(budget.take(2, {}).threads() == 2);
}
