// Points and rotations in body space: millimeters, x to the patient's left, y to the back, z to the head.
#pragma once

#include <array>
#include <cmath>

namespace medlsam::phantom {

struct Vec {
  float x = 0, y = 0, z = 0;
};

inline Vec operator+(Vec a, Vec b) {
  return {a.x + b.x, a.y + b.y, a.z + b.z};
}
inline Vec operator-(Vec a, Vec b) {
  return {a.x - b.x, a.y - b.y, a.z - b.z};
}
inline Vec operator*(float s, Vec a) {
  return {s * a.x, s * a.y, s * a.z};
}
inline float dot(Vec a, Vec b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}
inline Vec cross(Vec a, Vec b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
inline float length(Vec a) {
  return std::sqrt(dot(a, a));
}
inline Vec lerp(Vec a, Vec b, float t) {
  return a + t * (b - a);
}
// On the patient's left for side +1, mirrored to the right for side -1.
inline Vec mirrored(Vec a, float side) {
  return {side * a.x, a.y, a.z};
}

// Row-major rotation matrix.
struct Rotation {
  std::array<Vec, 3> rows{Vec{1, 0, 0}, Vec{0, 1, 0}, Vec{0, 0, 1}};

  Vec operator()(Vec a) const { return {dot(rows[0], a), dot(rows[1], a), dot(rows[2], a)}; }
  Vec transposed(Vec a) const { return a.x * rows[0] + a.y * rows[1] + a.z * rows[2]; }
};

// Turns by degrees about x, then y, then z.
inline Rotation rotation(float about_x, float about_y, float about_z) {
  constexpr float kRadians = 3.14159265F / 180;
  const float sx = std::sin(about_x * kRadians), cx = std::cos(about_x * kRadians);
  const float sy = std::sin(about_y * kRadians), cy = std::cos(about_y * kRadians);
  const float sz = std::sin(about_z * kRadians), cz = std::cos(about_z * kRadians);
  return {{Vec{cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx},
           Vec{sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx}, Vec{-sy, cy * sx, cy * cx}}};
}

inline float smooth_step(float from, float to, float value) {
  const float t = std::fmin(std::fmax((value - from) / (to - from), 0.F), 1.F);
  return t * t * (3 - 2 * t);
}

}  // namespace medlsam::phantom
