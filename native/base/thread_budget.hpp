// Bounds the threads that a library with threads of its own uses for several runs at once.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>

#include "base/task.hpp"

namespace medlsam {

class ThreadBudget {
 public:
  explicit ThreadBudget(unsigned threads) : size_(threads), free_(threads) {}

  // Threads of one run; given back at its end.
  class Share {
   public:
    Share(ThreadBudget& budget, unsigned threads) : budget_(budget), threads_(threads) {}
    ~Share() { budget_.give_back(threads_); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    unsigned threads() const { return threads_; }

   private:
    ThreadBudget& budget_;
    unsigned threads_;
  };

  // Waits, in the order of the calls, until as many threads are free, or all where more are wanted. A run
  // with a share must not wait for one that still waits here. Throws kAborted.
  Share take(unsigned wanted, const Task& task);

 private:
  void give_back(unsigned threads);

  const unsigned size_;
  std::mutex mutex_;
  std::condition_variable changed_;
  unsigned free_;
  std::deque<std::uint64_t> waiting_;  // numbers of the calls, the first is next
  std::uint64_t calls_ = 0;
};

}  // namespace medlsam
