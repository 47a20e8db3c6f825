#include "base/executor.hpp"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

#include "base/error.hpp"

namespace medlsam {
namespace {

// For debuggers and for top -H.
void name_thread() {
#if defined(__APPLE__)
  pthread_setname_np("medlsam");
#else
  pthread_setname_np(pthread_self(), "medlsam");
#endif
}

// A thread that ran out of work looks for more for so long before it sleeps, and so does a loop's caller for
// the last helper: a network's loops take some ten microseconds each and follow one another, and a thread
// that sleeps needs fifty to be back. It yields its processor at every look.
constexpr std::chrono::microseconds kPatience{100};

template <class Condition>
void look_for(const Condition& met) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!met() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
}

}  // namespace

Executor::~Executor() {
  std::vector<std::thread> threads;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& job : queue_) job->state_ = Job::State::kEnded;
    queue_.clear();
    threads.swap(threads_);
  }
  work_.notify_all();
  job_ended_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

std::shared_ptr<Executor::Job> Executor::submit(std::function<void()> work) {
  auto job = std::make_shared<Job>(*this, std::move(work));
  std::lock_guard lock(mutex_);
  queue_.push_back(job);
  wake(0);
  if (threads_.empty()) {
    queue_.pop_back();
    throw Error(ErrorCode::kInternal, "The system gives this process no further thread.");
  }
  return job;
}

bool Executor::offer(const std::function<void()>& work) {
  std::lock_guard lock(mutex_);
  if (idle_ <= queue_.size()) return false;
  queue_.push_front(std::make_shared<Job>(*this, work));
  posted_.fetch_add(1, std::memory_order_relaxed);
  work_.notify_one();
  return true;
}

// Sees to threads for what waits in the queue and this many helpers. Threads that were woken count as idle
// until they have taken what they were woken for, which stands in the queue until then.
void Executor::wake(std::size_t helpers) {
  const std::size_t wanted = queue_.size() + helpers;
  posted_.fetch_add(1, std::memory_order_relaxed);
  if (wanted > idle_) choices_.fetch_add(1, std::memory_order_relaxed);
  try {
    for (std::size_t there = idle_; there < wanted && threads_.size() < size_; ++there)
      threads_.emplace_back([this] { run(); });
  } catch (const std::system_error&) {
    // Those that there are do the work.
  }
  for (std::size_t i = 0; i < std::min(wanted, idle_); ++i) work_.notify_one();
}

void Executor::run() {
  name_thread();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (!queue_.empty()) {
      const auto job = std::move(queue_.front());
      queue_.pop_front();
      run(*job, lock);
    } else if (Loop* loop = neediest()) {
      help(*loop, lock);
    } else {
      wait_for_work(lock);
    }
  }
}

void Executor::wait_for_work(std::unique_lock<std::mutex>& lock) {
  ++idle_;
  const std::uint64_t seen = posted_.load(std::memory_order_relaxed);
  const auto is_new = [&] { return posted_.load(std::memory_order_relaxed) != seen; };
  lock.unlock();
  look_for(is_new);
  lock.lock();
  if (!is_new() && !stopping_) work_.wait(lock);
  --idle_;
}

void Executor::run(Job& job, std::unique_lock<std::mutex>& lock) {
  job.state_ = Job::State::kRunning;
  lock.unlock();
  job.work_();
  job.work_ = nullptr;  // what it holds is not to be destroyed under the lock
  lock.lock();
  job.state_ = Job::State::kEnded;
  job_ended_.notify_all();
}

void Executor::help(Loop& loop, std::unique_lock<std::mutex>& lock) {
  const std::size_t worker = loop.free_.back();
  loop.free_.pop_back();
  loop.at_work_.fetch_add(1, std::memory_order_relaxed);
  const std::uint64_t choice = choices_.load(std::memory_order_relaxed);
  lock.unlock();
  loop.work(worker, choice, false);
  lock.lock();
  loop.free_.push_back(worker);
  loop.at_work_.fetch_sub(1, std::memory_order_relaxed);
  helper_left_.notify_all();
}

Executor::Loop* Executor::neediest() {
  Loop* found = nullptr;
  for (Loop* loop : loops_) {
    if (loop->wants_help() && (found == nullptr || loop->helpers_at_work() < found->helpers_at_work()))
      found = loop;
  }
  return found;
}

bool Executor::Job::withdraw() {
  std::lock_guard lock(executor_.mutex_);
  const auto found = std::find_if(executor_.queue_.begin(), executor_.queue_.end(),
                                  [this](const auto& job) { return job.get() == this; });
  if (found == executor_.queue_.end()) return false;
  state_ = State::kEnded;
  executor_.queue_.erase(found);
  executor_.job_ended_.notify_all();
  return true;
}

void Executor::Job::wait() {
  std::unique_lock lock(executor_.mutex_);
  executor_.job_ended_.wait(lock, [this] { return state_ == State::kEnded; });
}

Executor::Loop::Loop(Executor& executor, std::size_t count, std::size_t helpers, Body body)
    : executor_(executor),
      count_(count),
      helpers_(std::min<std::size_t>({helpers, count, executor.threads()})),
      body_(std::move(body)) {
  if (helpers_ == 0) return;
  for (std::size_t worker = helpers_; worker > 0; --worker) free_.push_back(worker);
  std::lock_guard lock(executor_.mutex_);
  executor_.loops_.push_back(this);
  open_ = true;
  executor_.wake(helpers_);
}

Executor::Loop::~Loop() {
  next_.store(count_);
  close();
}

void Executor::Loop::finish() {
  work(0, 0, true);
  close();
  if (failure_) std::rethrow_exception(failure_);
}

void Executor::Loop::work(std::size_t worker, std::uint64_t choice, bool to_the_end) {
  try {
    while (to_the_end || executor_.choices_.load(std::memory_order_relaxed) == choice) {
      const std::size_t index = next_.fetch_add(1);
      if (index >= count_) return;
      body_(index, worker);
    }
  } catch (...) {
    next_.store(count_);
    std::lock_guard lock(executor_.mutex_);
    if (!failure_) failure_ = std::current_exception();
  }
}

void Executor::Loop::close() {
  if (!open_) return;
  std::unique_lock lock(executor_.mutex_);
  std::erase(executor_.loops_, this);
  lock.unlock();
  look_for([this] { return at_work_.load(std::memory_order_relaxed) == 0; });
  lock.lock();
  executor_.helper_left_.wait(lock, [this] { return free_.size() == helpers_; });
  open_ = false;
}

namespace {

Executor& process_executor(unsigned wanted) {
  // Leaked on purpose: its threads wait in it until the process is gone.
  static auto* executor = new Executor(std::max(1U, wanted));
  return *executor;
}

}  // namespace

Executor& executor() {
  return process_executor(std::thread::hardware_concurrency());
}

unsigned threads_of_process(unsigned wanted) {
  return process_executor(wanted).threads();
}

}  // namespace medlsam
