// Winograd's transforms of F(4, 3) along an axis, on vectors of channels: six inputs to six products, six
// products to four outputs.
//
// The points are 0, ±5/8, ±3/2 and ∞. With the usual 0, ±1, ±2, ∞ the error of a 3D convolution of 96
// channels is three times as large (2e-6 against 6e-6 of the result's deviation).
#pragma once

#include "kernels/register_blocks.hpp"

namespace medlsam::convolution {

inline constexpr int kTileOutputs = 4;                    // along each axis
inline constexpr int kTileInputs = kTileOutputs + 3 - 1;  // inputs of a tile, and its products
inline constexpr int kTileProducts = kTileInputs * kTileInputs * kTileInputs;

inline constexpr double kNear = 0.625, kFar = 1.5;  // the points
inline constexpr double kNear2 = kNear * kNear, kFar2 = kFar * kFar;

// Rows for the points 0, near, −near, far, −far, ∞ of the transform of three weights.
void transform_weights(const double (&weights)[3], double (&out)[kTileInputs]);

template <int kLanes>
MEDLSAM_INLINE void transform_inputs(registers::Vector<kLanes> (&x)[kTileInputs]) {
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
MEDLSAM_INLINE void transform_outputs(const registers::Vector<kLanes> (&m)[kTileInputs],
                                      registers::Vector<kLanes> (&y)[kTileOutputs]) {
  constexpr float kA = kNear, kB = kFar, kA2 = kNear2, kB2 = kFar2, kA3 = kNear * kNear2, kB3 = kFar * kFar2;
  const registers::Vector<kLanes> near_sum = m[1] + m[2], near_difference = m[1] - m[2];
  const registers::Vector<kLanes> far_sum = m[3] + m[4], far_difference = m[3] - m[4];
  y[0] = m[0] + near_sum + far_sum;
  y[1] = kA * near_difference + kB * far_difference;
  y[2] = kA2 * near_sum + kB2 * far_sum;
  y[3] = (kA3 * near_difference + kB3 * far_difference) + m[5];
}

}  // namespace medlsam::convolution
