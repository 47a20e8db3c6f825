#include "base/thread_budget.hpp"

#include <algorithm>

namespace medlsam {

ThreadBudget::Share ThreadBudget::take(unsigned wanted, const Task& task) {
  const unsigned threads = std::clamp(wanted, 1u, size_);
  // Made before the lock and gone after it: its callback takes the lock.
  const OnCancel wake(task.cancelled, [this] {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  });
  std::unique_lock lock(mutex_);
  const std::uint64_t call = calls_++;
  waiting_.push_back(call);
  changed_.wait(lock, [&] { return task.is_cancelled() || (waiting_.front() == call && free_ >= threads); });
  std::erase(waiting_, call);
  changed_.notify_all();  // the next call may find enough, too
  task.check();
  free_ -= threads;
  return {*this, threads};
}

void ThreadBudget::give_back(unsigned threads) {
  const std::lock_guard lock(mutex_);
  free_ += threads;
  changed_.notify_all();
}

}  // namespace medlsam
