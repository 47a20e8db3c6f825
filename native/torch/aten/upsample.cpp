#include "torch/aten/upsample.hpp"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cstdint>

#include "kernels/upsample.hpp"

namespace medlsam::torch {
namespace {

using at::Tensor;

constexpr auto kLast = at::MemoryFormat::ChannelsLast3d;

Tensor forward(const Tensor& x) {
  return at::upsample_trilinear3d(x, {2 * x.size(2), 2 * x.size(3), 2 * x.size(4)}, false);
}

// Halves one axis of (outer, 2·extent, inner).
void halve(const float* in, std::int64_t outer, std::int64_t extent, std::int64_t inner, float* out) {
  const std::int64_t grain = std::max<std::int64_t>(1, 16384 / inner);
  at::parallel_for(0, outer * extent, grain, [&](std::int64_t begin, std::int64_t end) {
    halve_rows(in, extent, inner, begin, end, out);
  });
}

// The same on any device, of one axis of x.
Tensor halve(const Tensor& x, std::int64_t axis) {
  const std::int64_t extent = x.size(axis);
  const Tensor even = x.slice(axis, 0, extent, 2), odd = x.slice(axis, 1, extent, 2);
  const Tensor before = at::cat({even.slice(axis, 0, 1), odd.slice(axis, 0, extent / 2 - 1)}, axis);
  const Tensor after = at::cat({even.slice(axis, 1), odd.slice(axis, extent / 2 - 1)}, axis);
  return 0.75 * (even + odd) + 0.25 * (before + after);
}

struct UpsampleDouble : ::torch::autograd::Function<UpsampleDouble> {
  static Tensor forward(::torch::autograd::AutogradContext*, const Tensor& x) { return torch::forward(x); }

  static ::torch::autograd::variable_list backward(::torch::autograd::AutogradContext*,
                                                   const ::torch::autograd::variable_list& gradients) {
    // ATen's own adds in any order on a GPU.
    if (!gradients[0].is_cpu()) return {halve(halve(halve(gradients[0], 2), 3), 4)};
    const Tensor g = gradients[0].contiguous(kLast);
    const std::int64_t n = g.size(0), c = g.size(1), z = g.size(2), y = g.size(3), x = g.size(4);
    const Tensor along_z = at::empty({n, c, z / 2, y, x}, g.options(), kLast);
    const Tensor along_y = at::empty({n, c, z / 2, y / 2, x}, g.options(), kLast);
    const Tensor along_x = at::empty({n, c, z / 2, y / 2, x / 2}, g.options(), kLast);
    halve(g.const_data_ptr<float>(), n, z / 2, y * x * c, along_z.mutable_data_ptr<float>());
    halve(along_z.const_data_ptr<float>(), n * z / 2, y / 2, x * c, along_y.mutable_data_ptr<float>());
    halve(along_y.const_data_ptr<float>(), n * z / 2 * y / 2, x / 2, c, along_x.mutable_data_ptr<float>());
    return {along_x};
  }
};

}  // namespace

Tensor upsample_double(const Tensor& x) {
  const bool ours = !x.is_cpu() || (x.scalar_type() == at::kFloat && x.is_contiguous(kLast));
  if (!ours || !at::GradMode::is_enabled() || !x.requires_grad()) return forward(x);
  return UpsampleDouble::apply(x);
}

}  // namespace medlsam::torch
