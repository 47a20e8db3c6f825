#include "runtimes/cpu/pack_once.hpp"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

namespace medlsam::cpu {
namespace {

struct Packed {
  const float first;
  Packed(const float* weights, float factor) : first(factor * weights[0]) {}
};

}  // namespace

TEST_CASE("the same weights are packed once while somebody has them, and anew afterwards") {
  std::vector<float> weights{2};
  auto one = pack_once<Packed>(weights.data(), 3.0f);
  CHECK(one->first == 6);
  CHECK(pack_once<Packed>(weights.data(), 3.0f) == one);
  CHECK(pack_once<Packed>(weights.data(), 4.0f)->first == 8);
  // Other weights may come to lie at the address later.
  one.reset();
  weights[0] = 5;
  CHECK(pack_once<Packed>(weights.data(), 3.0f)->first == 15);
}

TEST_CASE("threads that ask at once get the same") {
  const float weights[] = {1};
  std::vector<std::shared_ptr<const Packed>> found(4);
  std::vector<std::thread> threads;
  for (auto& each : found) threads.emplace_back([&] { each = pack_once<Packed>(weights, 2.0f); });
  for (std::thread& thread : threads) thread.join();
  for (const auto& each : found) CHECK(each == found[0]);
}

}  // namespace medlsam::cpu
