// Attention with relative positions as further elements of queries and keys, against the scores as they are
// defined.
#include "torch/aten/attention.hpp"

#include <c10/core/InferenceMode.h>
#include <doctest/doctest.h>

#include <cmath>
#include <utility>

#include "testing/test_device.hpp"

namespace medlsam::torch {
namespace {

using at::Tensor;

Tensor values(at::IntArrayRef shape, double frequency) {
  const Tensor x = at::arange(c10::multiply_integers(shape), at::kDouble);
  const Tensor varied = at::sin(x * x * frequency) + 0.3 * at::cos(x * frequency);
  return varied.to(at::Device(test_device()), at::kFloat).reshape(shape);
}

struct Inputs {
  Tensor q, k, v, vertical, horizontal;

  Inputs(std::int64_t n, std::int64_t heads, std::int64_t h, std::int64_t w, std::int64_t dim)
      : q(values({n, heads, h * w, dim}, 0.013)),
        k(values({n, heads, h * w, dim}, 0.017)),
        v(values({n, heads, h * w, dim}, 0.011)),
        vertical(0.3 * values({2 * h - 1, dim}, 0.05)),
        horizontal(0.3 * values({2 * w - 1, dim}, 0.07)) {}

  Inputs rounded(at::ScalarType type) const {
    Inputs copy = *this;
    for (Tensor* each : {&copy.q, &copy.k, &copy.v, &copy.vertical, &copy.horizontal}) *each = each->to(type);
    return copy;
  }
};

// The definition, in double precision.
Tensor by_definition(const Inputs& inputs, std::int64_t h, std::int64_t w) {
  const Inputs exact = inputs.rounded(at::kDouble);
  const RelativeScores relative(exact.q, exact.vertical, exact.horizontal, h, w);
  const auto n = exact.q.size(0), heads = exact.q.size(1), tokens = exact.q.size(2);
  const Tensor terms =
      (relative.down.unsqueeze(-1) + relative.across.unsqueeze(-2)).reshape({n, heads, tokens, tokens});
  const double scale = 1 / std::sqrt(static_cast<double>(exact.q.size(3)));
  return at::matmul(at::softmax(scale * at::matmul(exact.q, exact.k.transpose(-1, -2)) + terms, -1), exact.v);
}

double difference(const Tensor& found, const Tensor& wanted) {
  return (found.to(at::kDouble) - wanted).abs().max().item<double>();
}

TEST_CASE("extended attention: the scores' terms reach every key, in float32") {
  const c10::InferenceMode inference;
  for (const auto& [h, w] : {std::pair{14, 14}, std::pair{5, 3}, std::pair{1, 9}}) {
    const Inputs inputs(2, 3, h, w, 16);
    const RelativeScores relative(inputs.q, inputs.vertical, inputs.horizontal, h, w);
    for (const AttentionKernel kernel : {AttentionKernel::kFlash, AttentionKernel::kEfficient}) {
      const Tensor found = attend_extended(inputs.q, inputs.k, inputs.v, relative, kernel);
      CHECK((found.sizes() == inputs.v.sizes()));
      CHECK(difference(found, by_definition(inputs, h, w)) < 1e-5);
    }
  }
}

TEST_CASE("extended attention: in 16 bits, to what their digits allow") {
  const c10::InferenceMode inference;
  for (const auto& [type, digits] : {std::pair{at::kHalf, 11}, std::pair{at::kBFloat16, 8}}) {
    const Inputs inputs = Inputs(1, 2, 14, 14, 64).rounded(type);
    const RelativeScores relative(inputs.q, inputs.vertical, inputs.horizontal, 14, 14);
    const Tensor found = attend_extended(inputs.q, inputs.k, inputs.v, relative, AttentionKernel::kFlash);
    CHECK((found.scalar_type() == type));
    // Scores of up to 8 are rounded, relative to them, before the softmax.
    CHECK(difference(found, by_definition(inputs, 14, 14)) < 16 * std::pow(2.0, -digits));
  }
}

}  // namespace
}  // namespace medlsam::torch
