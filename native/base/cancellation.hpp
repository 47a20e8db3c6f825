// A request to stop, shared by who asks and who computes.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace medlsam {

class Cancellation {
 public:
  explicit Cancellation(bool requested = false) : requested_(requested) {}

  bool requested() const { return requested_.load(std::memory_order_relaxed); }

  // Runs the callbacks, once, on this thread.
  void request() {
    std::lock_guard lock(mutex_);
    if (requested_.exchange(true)) return;
    for (const auto& [id, callback] : callbacks_) callback();
  }

 private:
  friend class OnCancel;

  std::atomic<bool> requested_;
  std::mutex mutex_;
  std::uint64_t next_ = 0;
  std::map<std::uint64_t, std::function<void()>> callbacks_;
};

// Has `callback` run when cancellation is requested, or now if it was, for as long as this object lives. The
// callback must not block, nor destroy this object; the destructor waits for one that is running.
class OnCancel {
 public:
  OnCancel(std::shared_ptr<Cancellation> cancellation, std::function<void()> callback)
      : cancellation_(std::move(cancellation)) {
    if (cancellation_ == nullptr) return;
    std::lock_guard lock(cancellation_->mutex_);
    if (cancellation_->requested()) callback();
    id_ = cancellation_->next_++;
    cancellation_->callbacks_.emplace(id_, std::move(callback));
  }
  ~OnCancel() {
    if (cancellation_ == nullptr) return;
    std::lock_guard lock(cancellation_->mutex_);
    cancellation_->callbacks_.erase(id_);
  }
  OnCancel(const OnCancel&) = delete;
  OnCancel& operator=(const OnCancel&) = delete;

 private:
  std::shared_ptr<Cancellation> cancellation_;
  std::uint64_t id_ = 0;
};

}  // namespace medlsam
