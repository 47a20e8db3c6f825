#pragma once

#include <algorithm>
#include <cstddef>

#include "base/executor.hpp"
#include "base/task.hpp"

namespace medlsam {

// Calls body(index, worker) for every index in [0, count) on this thread and up to task.threads − 1 others of
// the process's executor; `worker` in [0, task.threads) lets each keep scratch memory of its own. Indices are
// handed out one at a time, so make them coarse (a slice, a channel). Checks for cancellation before each;
// rethrows the first exception.
template <class Body>
void parallel_for(const Task& task, std::size_t count, Body&& body) {
  const std::size_t threads = std::min<std::size_t>(std::max(1U, task.threads), count);
  const auto step = [&](std::size_t index, std::size_t worker) {
    task.check();
    body(index, worker);
  };
  if (threads <= 1) {
    for (std::size_t index = 0; index < count; ++index) step(index, 0);
  } else {
    Executor::Loop(executor(), count, threads - 1, std::ref(step)).finish();
  }
}

}  // namespace medlsam
