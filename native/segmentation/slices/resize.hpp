// Slices to the edge length that a SAM wants, and the values of skimage's `resize` of order 2
// (algorithm.md 6.1).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/axis_operator.hpp"

namespace medlsam {

// Quadratic B-spline from `input` to `output` samples, pixel areas aligned: output o lies at
// (o+½)·input/output − ½. Zero outside. When shrinking, a Gaussian of σ = (input/output − 1)/2, cut off at
// 4σ, comes first.
AxisOperator quadratic_spline(std::int64_t input, std::int64_t output);

// Resizes pictures of one size to edge × edge. Keeps its operators and scratch memory between them: one per
// thread.
class SliceResizer {
 public:
  // Throws kBadArgument for lengths below 1 or above 16384.
  SliceResizer(std::int64_t height, std::int64_t width, std::int64_t edge);

  // `slice`: height × width; `out`: edge × edge, clipped to the slice's least and greatest value, fractions
  // cut off. Throws kBadArgument for other sizes.
  void resize(std::span<const std::uint8_t> slice, std::span<std::uint8_t> out);

 private:
  std::int64_t height_, width_, edge_;
  AxisOperator along_y_, along_x_;
  std::vector<float> narrow_, wide_;
};

}  // namespace medlsam
