// The threads of the process. There are as many as the executor was made with, however many calls and loops
// there are; they start as they are needed and stay.
//
// A call is a job: jobs start in the order in which they were submitted, and each keeps its thread to its
// end. The threads that no job needs help the loops of the running ones: the loop with the fewest threads
// gets the next, and a helper goes back for a new choice after the index it is at when a job is waiting or a
// new loop found no free thread. So a call waits for others at most until one ends, and shares what is left
// over with them evenly.
//
// Whoever opens a loop works on it too, and waits only for indices that others are computing. Loops may
// therefore be nested, and nothing can wait for work that nobody does. For that, no job may wait for another
// job.
//
// Threads of their own, with the reason, are left to: ONNX Runtime (its pool, made for the process and as
// large as this one); libtorch (OpenMP's: those of all runs are as many, see thread_budget.hpp); a training's
// loaders (as many as its options ask for). The torch plugin, a library apart, has an executor of its own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace medlsam {

class Executor {
 public:
  explicit Executor(unsigned threads) : size_(threads) {}
  // Waits for the jobs that run; those that wait are withdrawn.
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  unsigned threads() const { return size_; }

  class Job;
  // Runs `work` when its turn comes; it must not throw. Throws kInternal where the system has no thread to
  // give.
  std::shared_ptr<Job> submit(std::function<void()> work);
  // Has `work` done by a thread that has nothing else to do. False, and `work` is not called, if there is
  // none.
  bool offer(const std::function<void()>& work);

  class Loop;

 private:
  friend class Job;
  friend class Loop;

  void run();
  void wait_for_work(std::unique_lock<std::mutex>& lock);
  void run(Job& job, std::unique_lock<std::mutex>& lock);
  void help(Loop& loop, std::unique_lock<std::mutex>& lock);
  Loop* neediest();
  void wake(std::size_t threads);

  const unsigned size_;
  std::mutex mutex_;
  std::condition_variable work_, job_ended_, helper_left_;
  std::deque<std::shared_ptr<Job>> queue_;
  std::vector<Loop*> loops_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
  std::atomic<std::uint64_t> choices_{0};  // changes when helpers should choose anew
  std::atomic<std::uint64_t> posted_{0};   // changes when there is something to do
};

class Executor::Job {
 public:
  Job(Executor& executor, std::function<void()> work) : executor_(executor), work_(std::move(work)) {}

  // True if the job had not begun: it never will.
  bool withdraw();
  // Returns when the job has ended or was withdrawn. Not for threads of the executor.
  void wait();

 private:
  friend class Executor;
  enum class State { kWaiting, kRunning, kEnded };

  Executor& executor_;
  std::function<void()> work_;
  State state_ = State::kWaiting;
};

// body(index, worker) for every index in [0, count). Up to `helpers` other threads may work on it from now
// on; the caller's part is finish(). `worker` is 0 for the caller and another number, up to `helpers`, for
// each helper that is at work. Indices are handed out one at a time.
class Executor::Loop {
 public:
  using Body = std::function<void(std::size_t index, std::size_t worker)>;

  Loop(Executor& executor, std::size_t count, std::size_t helpers, Body body);
  // Leaves out the indices that have not begun, and waits for the others.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Works until every index is done. Rethrows the first exception; after one no further index begins.
  void finish();

 private:
  friend class Executor;

  bool wants_help() const { return next_.load(std::memory_order_relaxed) < count_ && !free_.empty(); }
  std::size_t helpers_at_work() const { return helpers_ - free_.size(); }
  void work(std::size_t worker, std::uint64_t choice, bool to_the_end);
  void close();

  Executor& executor_;
  const std::size_t count_, helpers_;
  const Body body_;
  std::atomic<std::size_t> next_{0};
  std::atomic<std::size_t> at_work_{0};  // helpers; changes under the executor's mutex
  // Under the executor's mutex:
  std::vector<std::size_t> free_;  // the helpers' numbers that none has
  std::exception_ptr failure_;
  bool open_ = false;
};

// The process's executor. Its size is fixed by the first call of either: threads_of_process's argument, else
// one thread for each CPU that this process may use.
Executor& executor();
// Returns the number in force, which is not `wanted` if an earlier call fixed another.
unsigned threads_of_process(unsigned wanted);

}  // namespace medlsam
