#include "kernels/cuda/block.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "kernels/cuda/collectives.hpp"
#include "kernels/cuda/launch.hpp"

namespace medlsam::cuda {
namespace {

template <class Run>
void in_both_orders(Run&& run) {
  for (bool backward : {false, true}) {
    host_runs_backward() = backward;
    run();
  }
  host_runs_backward() = false;
}

struct SumBlocks {
  static constexpr int kThreads = 64;
  const int* values;
  int* sums;

  template <class Block>
  MEDLSAM_KERNEL void operator()(Block& block) const {
    typename Block::template PerThread<int> own(block);
    block.each([&](int thread) { own[thread] = values[block.x() * kThreads + thread]; });
    int* shared = block.template shared<int>();
    reduce(block, own, shared, [](int a, int b) { return a + b; });
    block.each([&](int thread) {
      if (thread == 0) sums[block.x()] = shared[0];
    });
  }
};

TEST_CASE("threads of a block combine their values") {
  std::vector<int> values(3 * 64);
  std::iota(values.begin(), values.end(), -5);
  in_both_orders([&] {
    std::vector<int> sums(3, -1);
    launch(nullptr, {3, 1, 1, 64 * sizeof(int)}, SumBlocks{values.data(), sums.data()});
    for (int b = 0; b < 3; ++b)
      CHECK(sums[b] == std::accumulate(values.begin() + 64 * b, values.begin() + 64 * (b + 1), 0));
  });
}

// Every thread reads its neighbor's value of the same phase: without a barrier between, a race.
struct Shift {
  static constexpr int kThreads = 32;
  bool with_barrier;
  int* out;

  template <class Block>
  MEDLSAM_KERNEL void operator()(Block& block) const {
    int* shared = block.template shared<int>();
    const auto write = [&](int thread) { shared[thread] = thread; };
    const auto read = [&](int thread) { out[thread] = shared[(thread + 1) % kThreads]; };
    if (with_barrier) {
      block.each(write);
      block.each(read);
    } else {
      block.each([&](int thread) {
        write(thread);
        read(thread);
      });
    }
  }
};

TEST_CASE("running threads backward finds what is written and read without a barrier between") {
  const auto runs = [](bool with_barrier) {
    std::vector<std::vector<int>> results;
    in_both_orders([&] {
      std::vector<int> out(32);
      launch(nullptr, {1, 1, 1, 32 * sizeof(int)}, Shift{with_barrier, out.data()});
      results.push_back(out);
    });
    return results;
  };
  const auto right = runs(true), wrong = runs(false);
  CHECK(right[0] == right[1]);
  CHECK(right[0][31] == 0);
  CHECK(right[0][0] == 1);
  CHECK(wrong[0] != wrong[1]);
}

struct Indices {
  static constexpr int kThreads = 32;
  std::vector<int>* seen;

  template <class Block>
  MEDLSAM_KERNEL void operator()(Block& block) const {
    CHECK(block.blocks_x() == 2);
    CHECK(block.blocks_y() == 3);
    CHECK(block.threads() == 32);
    block.warps([&](int warp) {
      CHECK(warp == 0);
      seen->push_back((block.z() * 3 + block.y()) * 2 + block.x());
    });
  }
};

TEST_CASE("every block runs once") {
  in_both_orders([] {
    std::vector<int> seen;
    launch(nullptr, {2, 3, 4, 0}, Indices{&seen});
    std::ranges::sort(seen);
    std::vector<int> all(24);
    std::iota(all.begin(), all.end(), 0);
    CHECK(seen == all);
  });
}

TEST_CASE("a kernel with more than a GPU has is refused") {
  std::vector<int> seen;
  const Indices body{&seen};
  CHECK_THROWS_AS(launch(nullptr, {1, 65536, 1, 0}, body), Error);
  CHECK_THROWS_AS(launch(nullptr, {1, 1, 1, 256 * 1024}, body), Error);
  launch(nullptr, {0, 1, 1, 0}, body);
  CHECK(seen.empty());
}

}  // namespace
}  // namespace medlsam::cuda
