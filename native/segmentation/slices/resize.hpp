// Resizes slices to a SAM's edge length, with the values of skimage's `resize` of order 2 (algorithm.md 6.1).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/axis_operator.hpp"

namespace medlsam {

// Quadratic B-spline from `input` to `output` samples, pixel areas aligned: output o lies at
// (o+½)·input/output − ½. Zero outside. Shrinking is preceded by a Gaussian of σ = (input/output − 1)/2, cut
// off at 4σ.
AxisOperator quadratic_spline(std::int64_t input, std::int64_t output);

// Added before fractions are cut off, so that whole numbers, which all values of a flat region are, do not
// lose 1 to float32's rounding. It changes one of 4000 values that have a fraction.
inline constexpr float kGrayRounding = 1.0f / 4096;

// Resizes pictures of one size to edge × edge. Keeps operators and scratch memory between pictures, so every
// thread needs its own.
class SliceResizer {
 public:
  // Throws kBadArgument for lengths below 1 or above 16384.
  SliceResizer(std::int64_t height, std::int64_t width, std::int64_t edge);

  // `slice`: height × width; `out`: edge × edge, clipped to the slice's minimum and maximum, fractions cut
  // off. Throws kBadArgument for other sizes.
  void resize(std::span<const std::uint8_t> slice, std::span<std::uint8_t> out);

 private:
  std::int64_t height_, width_, edge_;
  AxisOperator along_y_, along_x_;
  std::vector<float> narrow_, wide_;
};

}  // namespace medlsam
