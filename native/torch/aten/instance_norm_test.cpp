// The normalization of our own against ATen's, forward and backward.
#include "torch/aten/instance_norm.hpp"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <doctest/doctest.h>

#include <cmath>
#include <utility>

#include "testing/test_device.hpp"
#include "torch/aten/upsample.hpp"

namespace medlsam::torch {
namespace {

using at::Tensor;

constexpr double kEpsilon = 1e-5;

double largest_difference(const Tensor& a, const Tensor& b) {
  return (a - b).abs().max().item<double>();
}

Tensor values(at::IntArrayRef shape) {
  const Tensor x = at::arange(c10::multiply_integers(shape), at::kDouble);
  const Tensor varied = at::sin(x * x * 0.01) * 2 + at::cos(x * 0.1) + 3;
  return varied.to(at::Device(test_device()), at::kFloat).reshape(shape);
}

void compare(at::IntArrayRef shape) {
  const Tensor x = values(shape);
  const Tensor ours = x.clone().set_requires_grad(true), theirs = x.clone().set_requires_grad(true);
  const Tensor y = instance_norm_relu(ours, kEpsilon);
  const Tensor wanted = at::relu(at::instance_norm(theirs, {}, {}, {}, {}, true, 0, kEpsilon, false));
  CHECK(largest_difference(y, wanted) < 1e-5);
  const Tensor weights = at::cos(values(shape) * 5);
  (y * weights).sum().backward();
  (wanted * weights).sum().backward();
  CHECK(largest_difference(ours.grad(), theirs.grad()) < 1e-5);
}

TEST_CASE("instance norm and relu: ATen's values and gradients") {
  compare({2, 8, 12, 16, 12});  // several blocks, the last not full
  compare({1, 3, 5, 7, 3});     // no vector's width of channels
  compare({1, 80, 2, 2, 2});
  compare({3, 4, 1, 1, 2});
}

TEST_CASE("instance norm: a constant patch becomes 0, and has no gradient") {
  const Tensor x = at::full({1, 8, 8, 8, 8}, 0.3f).set_requires_grad(true);
  const Tensor y = instance_norm_relu(x, kEpsilon);
  CHECK(y.abs().max().item<float>() == 0);
  y.sum().backward();
  CHECK(x.grad().abs().max().item<float>() == 0);
}

TEST_CASE("instance norm of 16 bits: the values of float32, rounded, in the order of the input") {
  for (const auto& [type, digits] : {std::pair{at::kHalf, 11}, std::pair{at::kBFloat16, 8}}) {
    // Far from 0, where sums of 16 bits would lose everything.
    const Tensor x = (values({2, 8, 12, 16, 12}) + 5).to(type).contiguous(at::MemoryFormat::ChannelsLast3d);
    const c10::InferenceMode inference;
    const Tensor y = instance_norm_relu_short(x, kEpsilon);
    CHECK((y.scalar_type() == type));
    CHECK(y.is_contiguous(at::MemoryFormat::ChannelsLast3d));
    const Tensor wanted =
        at::relu(at::instance_norm(x.to(at::kFloat), {}, {}, {}, {}, true, 0, kEpsilon, false));
    // Mean and deviation are rounded once, the result once more; the mean is some 10 deviations.
    CHECK(largest_difference(y.to(at::kFloat), wanted) < 16 * std::pow(2.0, -digits));
    CHECK((y.to(at::kFloat) - wanted).square().mean().sqrt().item<double>() < 4 * std::pow(2.0, -digits));
  }
}

TEST_CASE("instance norm of 16 bits: a constant patch becomes 0") {
  const Tensor x = at::full({1, 8, 8, 8, 8}, 0.3f).to(at::kHalf);
  CHECK(instance_norm_relu_short(x, kEpsilon).abs().max().item<float>() < 1e-2);
}

TEST_CASE("upsampling: ATen's values and gradients") {
  for (const at::MemoryFormat format : {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast3d}) {
    const Tensor x = values({2, 3, 4, 2, 3}).contiguous(format);
    const Tensor ours = x.clone().set_requires_grad(true), theirs = x.clone().set_requires_grad(true);
    const Tensor y = upsample_double(ours), wanted = at::upsample_trilinear3d(theirs, {8, 4, 6}, false);
    CHECK(largest_difference(y, wanted) == 0);
    const Tensor weights = at::cos(values({2, 3, 8, 4, 6}) * 5);
    (y * weights).sum().backward();
    (wanted * weights).sum().backward();
    CHECK(largest_difference(ours.grad(), theirs.grad()) < 1e-5);
  }
}

TEST_CASE("instance norm: any number of threads gives the same bytes") {
  const Tensor x = values({2, 8, 24, 24, 24});
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const Tensor one = instance_norm_relu(x, kEpsilon);
  at::set_num_threads(3);
  const Tensor three = instance_norm_relu(x, kEpsilon);
  at::set_num_threads(threads);
  CHECK(at::equal(one, three));
}

}  // namespace
}  // namespace medlsam::torch
