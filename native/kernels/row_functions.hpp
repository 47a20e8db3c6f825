// What is done to rows of features in registers: layer norm and GELU, for kernels that fuse them and for
// those that stand alone.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/register_blocks.hpp"

namespace medlsam::rows {

using registers::load;
using registers::store;
using registers::sum_of;
using registers::Vector;

// `count` < kLanes floats, then zeros. By way of an array: a copy of unknown length is a call that wants its
// target in memory, which the vector then would be also where it is whole.
template <int kLanes>
MEDLSAM_INLINE void load_part(Vector<kLanes>& value, const float* from, std::int64_t count) {
  float part[kLanes] = {};
  for (std::int64_t i = 0; i < count; ++i) part[i] = from[i];
  load<kLanes>(value, part);
}

template <int kLanes>
MEDLSAM_INLINE void store_part(const Vector<kLanes>& value, float* to, std::int64_t count) {
  float part[kLanes];
  store<kLanes>(value, part);
  for (std::int64_t i = 0; i < count; ++i) to[i] = part[i];
}

// Calls body(vector, i, count) for the values of a row, kLanes at a time; `count` of the vector's are the
// row's, the others are 0.
template <int kLanes, class Body>
MEDLSAM_INLINE void each_vector(const float* row, std::int64_t length, const Body& body) {
  Vector<kLanes> value;
  std::int64_t i = 0;
  for (; i + kLanes <= length; i += kLanes) {
    load<kLanes>(value, row + i);
    body(value, i, std::int64_t{kLanes});
  }
  if (i < length) {
    load_part<kLanes>(value, row + i, length - i);
    body(value, i, length - i);
  }
}

// out = (row − mean) / √(variance + epsilon) · weight + bias; `out` may be `row`. The variance is that of the
// differences, in a second pass: no digits are lost where the mean is large.
template <int kLanes>
MEDLSAM_INLINE void normalize(const float* row, std::int64_t length, const float* weight, const float* bias,
                              float epsilon, float* out) {
  Vector<kLanes> sum{};
  each_vector<kLanes>(
      row,
      length, [&](const Vector<kLanes>& value, std::int64_t, std::int64_t) __attribute__((always_inline)) {
        sum += value;
      });
  const float mean = sum_of<kLanes>(sum) / static_cast<float>(length);
  Vector<kLanes> squares{};
  float rest = 0;
  each_vector<kLanes>(
      row, length,
      [&](const Vector<kLanes>& value, std::int64_t, std::int64_t count) __attribute__((always_inline)) {
        const Vector<kLanes> difference = value - mean;
        if (count == kLanes) {
          squares += difference * difference;
        } else {
          for (int j = 0; j < count; ++j) rest += difference[j] * difference[j];
        }
      });
  const float variance = (sum_of<kLanes>(squares) + rest) / static_cast<float>(length);
  const float scale = 1.0f / std::sqrt(variance + epsilon);
  each_vector<kLanes>(
      row, length,
      [&](const Vector<kLanes>& value, std::int64_t i, std::int64_t count) __attribute__((always_inline)) {
        Vector<kLanes> factors, terms;
        if (count == kLanes) {
          load<kLanes>(factors, weight + i);
          load<kLanes>(terms, bias + i);
          store<kLanes>((value - mean) * scale * factors + terms, out + i);
        } else {
          load_part<kLanes>(factors, weight + i, count);
          load_part<kLanes>(terms, bias + i, count);
          store_part<kLanes>((value - mean) * scale * factors + terms, out + i, count);
        }
      });
}

// x·Φ(x), Φ the normal distribution, to 2e-7 of max(1, |x|).
//
// Φ(x) − ½ is x times a polynomial of x², fitted (least squares, weights moved towards the least greatest
// error of Φ, 6e-8) on |x| ≤ 5.2, beyond which Φ is 0 or 1 to 1e-7. The polynomial's variable runs from −1 to
// 1, where its terms do not cancel.
template <int kLanes>
MEDLSAM_INLINE void gelu(Vector<kLanes>& x) {
  constexpr float kEnd = 5.2f;
  constexpr float kCoefficients[] = {-0.0004811625f, 0.001268465f,  -0.0012218432f, 0.0018002489f,
                                     -0.0047886306f, 0.0085598388f, -0.0125053488f, 0.0179548468f,
                                     -0.0247235689f, 0.0319899470f, -0.0399298258f, 0.0500245206f,
                                     -0.0677436665f, 0.1359499991f};
  const Vector<kLanes> end = Vector<kLanes>{} + kEnd;
  // Comparisons with NaN are false: it stays.
  Vector<kLanes> near = x < -end ? -end : x;
  near = near > end ? end : near;
  const Vector<kLanes> s = near * near * (2 / (kEnd * kEnd)) - 1.0f;
  Vector<kLanes> p = Vector<kLanes>{} + kCoefficients[0];
  for (int i = 1; i < 14; ++i) p = p * s + kCoefficients[i];
  x *= near * p + 0.5f;
}

// max(x, 0); NaN stays.
template <int kLanes>
MEDLSAM_INLINE void relu(Vector<kLanes>& x) {
  const Vector<kLanes> zero{};
  x = x < zero ? zero : x;
}

}  // namespace medlsam::rows
