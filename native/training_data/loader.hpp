// Makes batches ahead on threads of its own, so that the network never waits for one.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace medlsam::training {

template <class Batch>
class Loader {
 public:
  // Calls make(step) for step = first, first + 1, … on `threads` threads, a few steps ahead; without threads,
  // when the batch is taken.
  Loader(std::function<Batch(std::int64_t step)> make, std::int64_t first, int threads);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  // The batch of the next step, in order. Rethrows what make() threw.
  Batch next();

 private:
  void work();

  struct Made {
    Batch batch;
    std::exception_ptr failure;
  };

  std::function<Batch(std::int64_t)> make_;
  std::int64_t to_make_, to_take_, ahead_;
  bool stopping_ = false;
  std::map<std::int64_t, Made> made_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::jthread> threads_;
};

template <class Batch>
Loader<Batch>::Loader(std::function<Batch(std::int64_t step)> make, std::int64_t first, int threads)
    : make_(std::move(make)), to_make_(first), to_take_(first), ahead_(threads + 1) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

template <class Batch>
Loader<Batch>::~Loader() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
}

template <class Batch>
void Loader<Batch>::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stopping_ || to_make_ < to_take_ + ahead_; });
    if (stopping_) return;
    const std::int64_t step = to_make_++;
    lock.unlock();
    Made made;
    try {
      made.batch = make_(step);
    } catch (...) {
      made.failure = std::current_exception();
    }
    lock.lock();
    made_.emplace(step, std::move(made));
    changed_.notify_all();
  }
}

template <class Batch>
Batch Loader<Batch>::next() {
  if (threads_.empty()) return make_(to_take_++);
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return made_.contains(to_take_); });
  Made made = std::move(made_.extract(to_take_).mapped());
  ++to_take_;
  changed_.notify_all();
  if (made.failure) std::rethrow_exception(made.failure);
  return std::move(made.batch);
}

}  // namespace medlsam::training
