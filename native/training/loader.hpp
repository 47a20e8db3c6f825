// Batches made ahead by threads of their own, so that the network never waits for one.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "training/batch.hpp"

namespace medlsam::training {

class Loader {
 public:
  // Makes make(step) for step = first, first + 1, … on `threads` threads, a few ahead of what was taken.
  Loader(std::function<Batch(std::int64_t step)> make, std::int64_t first, int threads);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  // The batch of the next step, in order. Throws what making it threw.
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

}  // namespace medlsam::training
