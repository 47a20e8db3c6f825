#include "torch/aten/gpu_choices.hpp"

#include <doctest/doctest.h>

#include "base/error.hpp"

namespace medlsam::torch {
namespace {

TEST_CASE("choices for a GPU: the defaults, and words that change them") {
  const GpuChoices usual = parse_gpu_choices("");
  CHECK(usual.channels_last);
  CHECK(usual.graphs);
  CHECK_FALSE(usual.benchmark);
  CHECK(usual.attention == AttentionKernel::kFlash);
  const GpuChoices changed = parse_gpu_choices("channels-first,no-graphs,benchmark,bias");
  CHECK_FALSE(changed.channels_last);
  CHECK_FALSE(changed.graphs);
  CHECK(changed.benchmark);
  CHECK(changed.attention == AttentionKernel::kBias);
  CHECK(parse_gpu_choices("efficient").attention == AttentionKernel::kEfficient);
}

TEST_CASE("choices for a GPU: an unknown word is refused with those that are known") {
  CHECK_THROWS_WITH_AS((void)parse_gpu_choices("flash,fast"), doctest::Contains("'fast'"), Error);
}

}  // namespace
}  // namespace medlsam::torch
