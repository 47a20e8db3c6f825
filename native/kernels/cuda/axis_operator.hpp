// Linear maps along one axis of an array (kernels/axis_operator.hpp), on a GPU.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/cuda/elements.hpp"
#include "kernels/cuda/memory.hpp"

namespace medlsam::cuda {

// Row o: output o = Σ_i weights[begin[o] + i] · input[first[o] + i]; in device memory.
struct Operator {
  const std::int32_t* first = nullptr;
  const std::int32_t* begin = nullptr;
  const float* weights = nullptr;
  std::int64_t rows = 0;
};

class OperatorMemory {
 public:
  // The arrays of a medlsam::AxisOperator.
  Operator upload(std::span<const std::int64_t> first, std::span<const std::int64_t> begin,
                  std::span<const float> weights, Stream stream);
  std::size_t bytes() const { return first_.bytes() + begin_.bytes() + weights_.bytes(); }

 private:
  DeviceArray<std::int32_t> first_, begin_;
  DeviceArray<float> weights_;
};

// Extents of an array around the axis: (outer, axis, inner), inner contiguous.
struct AxisExtents {
  std::int64_t outer = 1, axis = 1, inner = 1;
};

// Elements of a stored volume: value = element · slope + intercept.
struct StoredValues {
  const void* values = nullptr;
  Element type = Element::kInt16;
  double slope = 1, intercept = 0;

  // The element as it is stored.
  MEDLSAM_HD double at(std::int64_t i) const {
    if (type == Element::kInt16) return static_cast<double>(static_cast<const std::int16_t*>(values)[i]);
    return static_cast<double>(static_cast<const float*>(values)[i]);
  }
};

// out (outer, rows, inner) = op along the axis of `in`.
void apply_operator(Stream stream, const Operator& op, const StoredValues& in, const AxisExtents& extents,
                    float* out);
void apply_operator(Stream stream, const Operator& op, const float* in, const AxisExtents& extents,
                    float* out);

}  // namespace medlsam::cuda
