// The body behind axis_operator.hpp, for whoever has elements to read or results to store in a way of its
// own.
#pragma once

#include <algorithm>

#include "kernels/cuda/axis_operator.hpp"
#include "kernels/cuda/launch.hpp"

namespace medlsam::cuda {

// Source: float operator()(index). Sink: void operator()(index, outer, value). One thread an output; the
// inputs that neighbors share come from the cache.
template <class Source, class Sink>
struct ApplyOperator {
  static constexpr int kThreads = 256;
  Operator op;
  AxisExtents extents;
  Source source;
  Sink sink;

  template <class Block>
  MEDLSAM_KERNEL void operator()(Block& block) const {
    const std::int64_t outputs = op.rows * extents.inner, inputs = extents.axis * extents.inner;
    block.each_without_barrier([&](int thread) {
      const std::int64_t i = std::int64_t{1} * block.x() * kThreads + thread;
      if (i >= outputs) return;
      const auto row = static_cast<std::int32_t>(i / extents.inner);
      const std::int64_t inner = i - row * extents.inner;
      const std::int32_t begin = op.begin[row], taps = op.begin[row + 1] - begin;
      const std::int64_t first = op.first[row] * extents.inner + inner;
      for (std::int64_t outer = block.y(); outer < extents.outer; outer += block.blocks_y()) {
        float sum = 0;
        for (std::int32_t k = 0; k < taps; ++k) {
          const float value = source(outer * inputs + first + k * extents.inner);
          sum = multiply_add(op.weights[begin + k], value, sum);
        }
        sink(outer * outputs + i, outer, sum);
      }
    });
  }
};

template <class Source, class Sink>
void launch_operator(Stream stream, const Operator& op, const AxisExtents& extents, const Source& source,
                     const Sink& sink) {
  constexpr std::int64_t kMostBlocks = 65535;
  const ApplyOperator<Source, Sink> body{op, extents, source, sink};
  launch(stream,
         {blocks_for(op.rows * extents.inner, body.kThreads), std::min(extents.outer, kMostBlocks), 1, 0},
         body);
}

template <class T>
struct PlainSource {
  const T* values;
  MEDLSAM_KERNEL float operator()(std::int64_t i) const { return to_float(values[i]); }
};

struct PlainSink {
  float* out;
  MEDLSAM_KERNEL void operator()(std::int64_t i, std::int64_t, float value) const { out[i] = value; }
};

}  // namespace medlsam::cuda
