// Winograd's transforms of F(4, 3) and F(2, 3) along an axis, on vectors of channels: a tile's inputs to as
// many products, the products to its outputs.
#pragma once

#include "kernels/register_blocks.hpp"

namespace medlsam::convolution {

// A tile of kOutputs³ voxels.
template <int kOutputs>
struct Tile {
  static constexpr int kInputs = kOutputs + 3 - 1;  // along each axis; also its products
  static constexpr int kProducts = kInputs * kInputs * kInputs;
};

// Points of the interpolation, before ∞. With the usual 0, ±1, ±2 for four outputs the error of a 3D
// convolution of 96 channels is three times as large (6e-6 of the result's deviation instead of 2e-6).
inline constexpr double kNear = 0.625, kFar = 1.5;
inline constexpr double kPointsOfFour[] = {0, kNear, -kNear, kFar, -kFar};
inline constexpr double kPointsOfTwo[] = {0, 1, -1};

template <int kLanes>
MEDLSAM_INLINE void transform_inputs(registers::Vector<kLanes> (&x)[6]) {
  constexpr double kNear2 = kNear * kNear, kFar2 = kFar * kFar;
  constexpr float kA = kNear, kB = kFar, kA2 = kNear2, kB2 = kFar2, kSum = kNear2 + kFar2,
                  kProduct = kNear2 * kFar2;
  const registers::Vector<kLanes> even_near = x[4] - kB2 * x[2], odd_near = kA * (x[3] - kB2 * x[1]);
  const registers::Vector<kLanes> even_far = x[4] - kA2 * x[2], odd_far = kB * (x[3] - kA2 * x[1]);
  x[0] = (x[4] - kSum * x[2]) + kProduct * x[0];
  x[5] = (x[5] - kSum * x[3]) + kProduct * x[1];
  x[1] = even_near + odd_near;
  x[2] = even_near - odd_near;
  x[3] = even_far + odd_far;
  x[4] = even_far - odd_far;
}

template <int kLanes>
MEDLSAM_INLINE void transform_inputs(registers::Vector<kLanes> (&x)[4]) {
  const registers::Vector<kLanes> sum = x[2] + x[1], difference = x[2] - x[1];
  x[0] = x[2] - x[0];
  x[3] = x[3] - x[1];
  x[1] = sum;
  x[2] = difference;
}

template <int kLanes>
MEDLSAM_INLINE void transform_outputs(const registers::Vector<kLanes> (&m)[6],
                                      registers::Vector<kLanes> (&y)[4]) {
  constexpr double kNear2 = kNear * kNear, kFar2 = kFar * kFar;
  constexpr float kA = kNear, kB = kFar, kA2 = kNear2, kB2 = kFar2, kA3 = kNear * kNear2, kB3 = kFar * kFar2;
  const registers::Vector<kLanes> near_sum = m[1] + m[2], near_difference = m[1] - m[2];
  const registers::Vector<kLanes> far_sum = m[3] + m[4], far_difference = m[3] - m[4];
  y[0] = m[0] + near_sum + far_sum;
  y[1] = kA * near_difference + kB * far_difference;
  y[2] = kA2 * near_sum + kB2 * far_sum;
  y[3] = (kA3 * near_difference + kB3 * far_difference) + m[5];
}

template <int kLanes>
MEDLSAM_INLINE void transform_outputs(const registers::Vector<kLanes> (&m)[4],
                                      registers::Vector<kLanes> (&y)[2]) {
  y[0] = m[0] + m[1] + m[2];
  y[1] = m[1] - m[2] + m[3];
}

// The transposed of transform_outputs: gradients of a tile's outputs to those of its products.
template <int kLanes>
MEDLSAM_INLINE void transform_gradients(const registers::Vector<kLanes> (&y)[4],
                                        registers::Vector<kLanes> (&m)[6]) {
  constexpr double kNear2 = kNear * kNear, kFar2 = kFar * kFar;
  constexpr float kA = kNear, kB = kFar, kA2 = kNear2, kB2 = kFar2, kA3 = kNear * kNear2, kB3 = kFar * kFar2;
  const registers::Vector<kLanes> near_even = y[0] + kA2 * y[2], near_odd = kA * y[1] + kA3 * y[3];
  const registers::Vector<kLanes> far_even = y[0] + kB2 * y[2], far_odd = kB * y[1] + kB3 * y[3];
  m[0] = y[0];
  m[1] = near_even + near_odd;
  m[2] = near_even - near_odd;
  m[3] = far_even + far_odd;
  m[4] = far_even - far_odd;
  m[5] = y[3];
}

template <int kLanes>
MEDLSAM_INLINE void transform_gradients(const registers::Vector<kLanes> (&y)[2],
                                        registers::Vector<kLanes> (&m)[4]) {
  m[0] = y[0];
  m[1] = y[0] + y[1];
  m[2] = y[0] - y[1];
  m[3] = y[1];
}

}  // namespace medlsam::convolution
