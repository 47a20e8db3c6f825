// The task that every long computation is handed: how many threads its loops may use, whether it was
// cancelled, and where to report how far it is.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "base/cancellation.hpp"
#include "base/error.hpp"

namespace medlsam {

struct Task {
  unsigned threads = 1;                     // at most, of the process's executor
  std::shared_ptr<Cancellation> cancelled;  // null: cannot be cancelled
  // Called from the computing thread with the phase that is running.
  std::function<void(std::size_t done, std::size_t total, const char* phase)> on_progress;
  const char* phase = "";  // a string literal; "" where the computation has one phase only

  bool is_cancelled() const { return cancelled && cancelled->requested(); }

  // Throws kAborted once cancelled. Cheap: call it between slices and patches.
  void check() const {
    if (is_cancelled()) throw Error(ErrorCode::kAborted, "The operation was aborted.");
  }

  void report(std::size_t done, std::size_t total) const {
    if (on_progress) on_progress(done, total, phase);
  }

  // The same task in one of its phases, whose progress is counted on its own.
  Task in_phase(const char* name) const {
    Task part = *this;
    part.phase = name;
    return part;
  }
};

}  // namespace medlsam
