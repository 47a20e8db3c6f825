// Values between 3D convolutions: in blocks of channels, with the normalization that is still to be done.
#pragma once

#include "kernels/convolution/activations.hpp"
#include "runtimes/cpu/operator.hpp"

namespace medlsam::cpu {

// Of values (n, c, z, y, x): blocked values, then a scale and an offset of each channel, then the floor.
class ActivationsLayout : public Layout {
 public:
  static const ActivationsLayout& instance();

  std::size_t bytes(const Shape& shape) const override;
  void to_row_major(const std::byte* from, const Shape& shape, float* to, const Task& task) const override;
  void from_row_major(const float* from, const Shape& shape, std::byte* to, const Task& task) const override;
};

convolution::BlockedLayout blocked_layout(const Shape& shape);

// Where the parts of a value lie.
struct MutableActivations {
  convolution::BlockedLayout layout;
  float *values, *scale, *offset, *floor;
};
MutableActivations activations_in(std::byte* memory, const Shape& shape);
convolution::Activations activations_in(const std::byte* memory, const Shape& shape);

}  // namespace medlsam::cpu
