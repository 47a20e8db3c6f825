#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "base/task.hpp"

namespace medlsam {

// Calls body(index, worker) for every index in [0, count) on task.threads threads; `worker` in [0, threads)
// lets each keep scratch memory of its own. Indices are handed out one at a time, so make them coarse
// (a slice, a channel). Checks for cancellation before each; rethrows the first exception.
template <class Body>
void parallel_for(const Task& task, std::size_t count, Body&& body) {
  const std::size_t threads = std::min<std::size_t>(std::max(1u, task.threads), count);
  std::atomic<std::size_t> next{0};
  std::exception_ptr failure;
  std::mutex failure_mutex;
  auto work = [&](std::size_t worker) {
    try {
      for (std::size_t index; (index = next.fetch_add(1)) < count;) {
        task.check();
        body(index, worker);
      }
    } catch (...) {
      next.store(count);
      std::lock_guard lock(failure_mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  std::vector<std::jthread> others;
  for (std::size_t worker = 1; worker < threads; ++worker) others.emplace_back(work, worker);
  work(0);
  others.clear();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace medlsam
