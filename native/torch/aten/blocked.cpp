#include "torch/aten/blocked.hpp"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <limits>

#include "kernels/convolution/channels_last.hpp"

namespace medlsam::torch {
namespace {

using at::Tensor;
using convolution::BlockedLayout;
using convolution::Extents;

constexpr auto kLast = at::MemoryFormat::ChannelsLast3d;

Tensor block(const Tensor& x) {
  const Tensor last = x.contiguous(kLast);
  const BlockedLayout layout(x.size(0), x.size(1), {x.size(2), x.size(3), x.size(4)});
  const Tensor values = empty_blocked(layout, x.options());
  convolution::from_channels_last(last.const_data_ptr<float>(), layout, values.mutable_data_ptr<float>(),
                                  aten_task());
  return values;
}

Tensor unblock(const BlockedTensor& blocked) {
  const Extents& extents = blocked.extents;
  const Tensor x = at::empty({blocked.values.size(0), blocked.channels, extents.z, extents.y, extents.x},
                             blocked.values.options(), kLast);
  convolution::to_channels_last(blocked.activations(), x.mutable_data_ptr<float>(), aten_task());
  return x;
}

struct ToBlocked : ::torch::autograd::Function<ToBlocked> {
  static Tensor forward(::torch::autograd::AutogradContext* context, const Tensor& x) {
    context->saved_data["shape"] = x.sizes().vec();
    return block(x);
  }
  static ::torch::autograd::variable_list backward(::torch::autograd::AutogradContext* context,
                                                   const ::torch::autograd::variable_list& gradients) {
    const auto shape = context->saved_data["shape"].toIntVector();
    return {unblock(plain_blocked(gradients[0], shape[1], {shape[2], shape[3], shape[4]}))};
  }
};

struct FromBlocked : ::torch::autograd::Function<FromBlocked> {
  static Tensor forward(::torch::autograd::AutogradContext*, const Tensor& values, BlockedTensor blocked) {
    blocked.values = values;
    return unblock(blocked);
  }
  static ::torch::autograd::variable_list backward(::torch::autograd::AutogradContext*,
                                                   const ::torch::autograd::variable_list& gradients) {
    return {block(gradients[0]), Tensor()};
  }
};

}  // namespace

Task aten_task() {
  Task task;
  task.threads = static_cast<unsigned>(at::get_num_threads());
  return task;
}

Tensor empty_blocked(const BlockedLayout& layout, const at::TensorOptions& options) {
  return at::empty({layout.images, layout.blocks, layout.block / layout.plane, layout.plane / layout.row,
                    layout.row / layout.lanes, layout.lanes},
                   options.requires_grad(false));
}

BlockedLayout layout_of(const Tensor& blocked, std::int64_t channels, const Extents& extents) {
  BlockedLayout layout(blocked.size(0), channels, extents);
  layout.image = blocked.stride(0);
  return layout;
}

BlockedTensor plain_blocked(const Tensor& values, std::int64_t channels, const Extents& extents) {
  const std::int64_t padded = values.size(1) * values.size(5);
  return {values,
          at::ones({values.size(0), padded}, values.options()),
          at::zeros({values.size(0), padded}, values.options()),
          false,
          channels,
          extents};
}

BlockedLayout BlockedTensor::layout() const {
  return layout_of(values, channels, extents);
}

convolution::Activations BlockedTensor::activations() const {
  return {layout(), const_cast<float*>(values.const_data_ptr<float>()), scale.const_data_ptr<float>(),
          offset.const_data_ptr<float>(), normalized ? 0.0f : -std::numeric_limits<float>::infinity()};
}

BlockedTensor to_blocked(const Tensor& x) {
  return plain_blocked(ToBlocked::apply(x), x.size(1), {x.size(2), x.size(3), x.size(4)});
}

Tensor from_blocked(const BlockedTensor& blocked) {
  BlockedTensor constants = blocked;
  constants.values = Tensor();
  return FromBlocked::apply(blocked.values, constants);
}

}  // namespace medlsam::torch
