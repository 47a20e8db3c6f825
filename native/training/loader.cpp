#include "training/loader.hpp"

#include <utility>

namespace medlsam::training {

Loader::Loader(std::function<Batch(std::int64_t step)> make, std::int64_t first, int threads)
    : make_(std::move(make)), to_make_(first), to_take_(first), ahead_(threads + 1) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

Loader::~Loader() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
}

void Loader::work() {
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

Batch Loader::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return made_.contains(to_take_); });
  Made made = std::move(made_.extract(to_take_).mapped());
  ++to_take_;
  changed_.notify_all();
  if (made.failure) std::rethrow_exception(made.failure);
  return std::move(made.batch);
}

}  // namespace medlsam::training
