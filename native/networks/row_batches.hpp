// How many rows of a batch (patches, prompts, slices) a network is given at once.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/error.hpp"
#include "base/tensor.hpp"

namespace medlsam {

// Begins with `most` rows, and halves them where a GPU's memory does not suffice: the one place that does.
// Safe to use from several threads.
class RowBatches {
 public:
  explicit RowBatches(std::int64_t most) : most_(most) {}

  // Calls run(first, count) for consecutive parts of `rows` rows. A part for which it throws kOutOfMemory is
  // run again as smaller ones, so that whatever `run` writes it must be able to write twice; later calls
  // begin with what sufficed. What one row alone throws goes to the caller.
  template <class Run>
  void run(std::int64_t rows, const Run& run) {
    for (std::int64_t first = 0; first < rows;) {
      const std::int64_t count = std::min(most_.load(), rows - first);
      try {
        run(first, count);
        first += count;
      } catch (const Error& error) {
        if (error.code() != ErrorCode::kOutOfMemory || count == 1) throw;
        shrink_to((count + 1) / 2);
      }
    }
  }

  std::int64_t most() const { return most_; }

 private:
  void shrink_to(std::int64_t fewer) {
    std::int64_t now = most_;
    while (fewer < now && !most_.compare_exchange_weak(now, fewer)) {
    }
  }

  std::atomic<std::int64_t> most_;
};

// Outputs of a network for all of `rows`, which `run` is given at once or, where memory does not suffice, in
// parts; those of several parts are joined on the host.
std::vector<Tensor> run_rows(const Tensor& rows,
                             const std::function<std::vector<Tensor>(const Tensor& some)>& run);

}  // namespace medlsam
