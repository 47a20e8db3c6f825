#include "runtimes/cpu/activations_layout.hpp"

#include <algorithm>
#include <limits>

namespace medlsam::cpu {

using convolution::Activations;
using convolution::BlockedLayout;

const ActivationsLayout& ActivationsLayout::instance() {
  static const ActivationsLayout layout;
  return layout;
}

BlockedLayout blocked_layout(const Shape& shape) {
  return BlockedLayout(shape[0], shape[1], {shape[2], shape[3], shape[4]});
}

MutableActivations activations_in(std::byte* memory, const Shape& shape) {
  const BlockedLayout layout = blocked_layout(shape);
  const std::int64_t channels = layout.images * layout.padded_channels();
  float* const values = reinterpret_cast<float*>(memory);
  float* const scale = values + layout.floats();
  return {layout, values, scale, scale + channels, scale + 2 * channels};
}

Activations activations_in(const std::byte* memory, const Shape& shape) {
  const MutableActivations parts = activations_in(const_cast<std::byte*>(memory), shape);
  return {parts.layout, parts.values, parts.scale, parts.offset, *parts.floor};
}

std::size_t ActivationsLayout::bytes(const Shape& shape) const {
  const BlockedLayout layout = blocked_layout(shape);
  return sizeof(float) *
         (layout.floats() + 2 * static_cast<std::size_t>(layout.images * layout.padded_channels()) + 1);
}

void ActivationsLayout::to_row_major(const std::byte* from, const Shape& shape, float* to,
                                     const Task& task) const {
  convolution::to_rows(activations_in(from, shape), to, task);
}

void ActivationsLayout::from_row_major(const float* from, const Shape& shape, std::byte* to,
                                       const Task& task) const {
  const MutableActivations parts = activations_in(to, shape);
  convolution::from_rows(from, parts.layout, parts.values, task);
  std::fill(parts.scale, parts.offset, 1.0f);
  std::fill(parts.offset, parts.floor, 0.0f);
  *parts.floor = -std::numeric_limits<float>::infinity();
}

}  // namespace medlsam::cpu
