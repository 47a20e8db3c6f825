#include "base/executor.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/parallel.hpp"

namespace medlsam {
namespace {

using namespace std::chrono_literals;

// Opens once; what waits for it holds its thread meanwhile.
class Gate {
 public:
  void open() { promise_.set_value(); }
  void wait() { future_.wait(); }

 private:
  std::promise<void> promise_;
  std::shared_future<void> future_ = promise_.get_future().share();
};

// The most that were inside at a time.
class Crowd {
 public:
  void enter() {
    const int now = ++inside_;
    for (int most = most_; most < now && !most_.compare_exchange_weak(most, now);) {
    }
  }
  void leave() { --inside_; }
  int most() const { return most_; }

 private:
  std::atomic<int> inside_{0}, most_{0};
};

void loop(Executor& executor, std::size_t count, std::size_t helpers,
          const std::function<void(std::size_t, std::size_t)>& body) {
  Executor::Loop(executor, count, helpers, body).finish();
}

}  // namespace

TEST_CASE("every index of a loop is done once, and no worker number by two threads at a time") {
  Executor executor(4);
  std::vector<std::atomic<int>> done(1000), busy(5);
  std::atomic<int> shared{0};
  loop(executor, done.size(), 4, [&](std::size_t index, std::size_t worker) {
    if (++busy.at(worker) != 1) ++shared;
    ++done[index];
    --busy[worker];
  });
  CHECK(shared == 0);
  for (const auto& times : done) CHECK(times == 1);
}

TEST_CASE("jobs and their loops together use no more threads than the executor has") {
  Executor executor(3);
  Crowd crowd;
  std::vector<std::shared_ptr<Executor::Job>> jobs;
  for (int i = 0; i < 20; ++i) {
    jobs.push_back(executor.submit([&] {
      loop(executor, 20, 8, [&](std::size_t, std::size_t) {
        crowd.enter();
        std::this_thread::sleep_for(100us);
        crowd.leave();
      });
    }));
  }
  for (const auto& job : jobs) job->wait();
  CHECK(crowd.most() <= 3);
}

TEST_CASE("jobs begin in the order in which they came") {
  Executor executor(1);
  Gate gate;
  std::vector<int> order;
  std::vector<std::shared_ptr<Executor::Job>> jobs = {executor.submit([&] { gate.wait(); })};
  for (int i = 0; i < 5; ++i) jobs.push_back(executor.submit([&order, i] { order.push_back(i); }));
  gate.open();
  for (const auto& job : jobs) job->wait();
  CHECK(order == std::vector<int>{0, 1, 2, 3, 4});
}

TEST_CASE("a job gets a thread from a long loop before the loop has ended") {
  Executor executor(2);
  std::atomic<bool> began{false};
  std::atomic<int> after{0};
  const auto long_job = executor.submit([&] {
    loop(executor, 400, 2, [&](std::size_t, std::size_t) {
      std::this_thread::sleep_for(1ms);
      if (began) ++after;
    });
  });
  std::this_thread::sleep_for(20ms);
  const auto short_job = executor.submit([&] { began = true; });
  short_job->wait();
  long_job->wait();
  CHECK(after > 100);
}

TEST_CASE("loops of several jobs share the free threads") {
  // Two jobs hold two of the four threads; the other two are at the first one's loop when the second opens
  // its own.
  Executor executor(4);
  Gate opened;
  std::set<std::thread::id> helpers;
  std::mutex mutex;
  const auto first = executor.submit([&] {
    loop(executor, 300, 3, [&](std::size_t index, std::size_t) {
      if (index == 30) opened.open();
      std::this_thread::sleep_for(1ms);
    });
  });
  const auto second = executor.submit([&] {
    opened.wait();
    loop(executor, 30, 3, [&](std::size_t, std::size_t) {
      std::this_thread::sleep_for(1ms);
      std::lock_guard lock(mutex);
      helpers.insert(std::this_thread::get_id());
    });
  });
  first->wait();
  second->wait();
  CHECK(helpers.size() >= 2);
}

TEST_CASE("nested loops end on one thread and on several") {
  for (const unsigned threads : {1U, 2U, 4U}) {
    Executor executor(threads);
    std::atomic<int> done{0};
    std::vector<std::shared_ptr<Executor::Job>> jobs;
    for (int i = 0; i < 8; ++i) {
      jobs.push_back(executor.submit([&] {
        loop(executor, 4, 4, [&](std::size_t, std::size_t) {
          loop(executor, 4, 4, [&](std::size_t, std::size_t) {
            loop(executor, 4, 4, [&](std::size_t, std::size_t) { ++done; });
          });
        });
      }));
    }
    for (const auto& job : jobs) job->wait();
    CHECK(done == 8 * 64);
  }
}

TEST_CASE("a stage that no thread was free for is done by who needs it") {
  Executor executor(1);
  std::thread::id computed, needed;
  const auto job = executor.submit([&] {
    needed = std::this_thread::get_id();
    Executor::Loop stage(executor, 1, 1,
                         [&](std::size_t, std::size_t) { computed = std::this_thread::get_id(); });
    stage.finish();
  });
  job->wait();
  CHECK(computed == needed);
}

TEST_CASE("a stage runs on a free thread meanwhile") {
  Executor executor(2);
  bool together = false;
  const auto job = executor.submit([&] {
    Gate gate;
    Executor::Loop stage(executor, 1, 1, [&](std::size_t, std::size_t) { gate.open(); });
    gate.wait();
    together = true;
    stage.finish();
  });
  job->wait();
  CHECK(together);
}

TEST_CASE("the first exception of a loop ends it and reaches its caller") {
  Executor executor(3);
  std::atomic<int> done{0};
  CHECK_THROWS_WITH_AS(loop(executor, 10000, 3,
                            [&](std::size_t index, std::size_t) {
                              if (index == 50) throw std::runtime_error("index 50");
                              ++done;
                              std::this_thread::sleep_for(10us);
                            }),
                       "index 50", std::runtime_error);
  CHECK(done < 9999);
}

TEST_CASE("a waiting job can be withdrawn, a running one cannot") {
  Executor executor(1);
  Gate began, gate;
  bool ran = false;
  const auto running = executor.submit([&] {
    began.open();
    gate.wait();
  });
  const auto waiting = executor.submit([&] { ran = true; });
  began.wait();
  CHECK(waiting->withdraw());
  waiting->wait();
  CHECK_FALSE(running->withdraw());
  gate.open();
  running->wait();
  CHECK_FALSE(running->withdraw());
  CHECK_FALSE(ran);
}

TEST_CASE("an executor that ends waits for what runs and drops what waits") {
  std::atomic<bool> ended{false}, ran{false};
  std::shared_ptr<Executor::Job> waiting;
  {
    Executor executor(1);
    Gate began;
    executor.submit([&] {
      began.open();
      std::this_thread::sleep_for(20ms);
      ended = true;
    });
    waiting = executor.submit([&] { ran = true; });
    began.wait();
  }
  CHECK(ended);
  CHECK_FALSE(ran);
}

TEST_CASE("work is offered to idle threads only") {
  Executor executor(1);
  CHECK_FALSE(executor.offer([] {}));  // there is no thread yet
  executor.submit([] {})->wait();
  std::promise<void> done;
  while (!executor.offer([&] { done.set_value(); })) std::this_thread::yield();
  done.get_future().wait();
  Gate began, gate;
  const auto job = executor.submit([&] {
    began.open();
    gate.wait();
  });
  began.wait();
  CHECK_FALSE(executor.offer([] {}));
  gate.open();
  job->wait();
}

TEST_CASE("a cancelled task ends its loop") {
  Task task;
  task.threads = 3;
  task.cancelled = std::make_shared<Cancellation>();
  std::atomic<int> done{0};
  CHECK_THROWS_AS(parallel_for(task, 10000,
                               [&](std::size_t index, std::size_t) {
                                 if (index == 50) task.cancelled->request();
                                 ++done;
                               }),
                  Error);
  CHECK(done < 10000);
}

TEST_CASE("what waits for a cancellation hears of it once, at once or never") {
  const auto cancellation = std::make_shared<Cancellation>();
  int early = 0, late = 0, gone = 0;
  const OnCancel first(cancellation, [&] { ++early; });
  {
    const OnCancel ended(cancellation, [&] { ++gone; });
  }
  CHECK_FALSE(cancellation->requested());
  cancellation->request();
  cancellation->request();
  const OnCancel second(cancellation, [&] { ++late; });
  CHECK(early == 1);
  CHECK(late == 1);
  CHECK(gone == 0);
}

}  // namespace medlsam
