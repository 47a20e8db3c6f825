#include "volumes/orientation.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "base/error.hpp"

namespace medlsam {
namespace {

using Matrix3 = std::array<std::array<double, 3>, 3>;

double determinant(const Matrix3& m) {
  return m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
         m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
         m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
}

Matrix3 inverse_transpose(const Matrix3& m, double det) {
  Matrix3 out;
  for (int r = 0; r < 3; ++r) {
    for (int c = 0; c < 3; ++c) {
      const int r1 = (r + 1) % 3, r2 = (r + 2) % 3, c1 = (c + 1) % 3, c2 = (c + 2) % 3;
      out[r][c] = (m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]) / det;
    }
  }
  return out;
}

// The orthogonal polar factor by Newton's iteration, which converges quadratically for a regular matrix;
// equal to U·Vᵀ of the singular value decomposition.
Matrix3 nearest_rotation(Matrix3 m) {
  for (int step = 0; step < 100; ++step) {
    const double det = determinant(m);
    if (!std::isfinite(det) || std::abs(det) < 1e-9) {
      throw Error(
          ErrorCode::kBadVolume,
          "The affine is singular: two of its axes point the same way. Correct the header's sform or qform.");
    }
    const Matrix3 other = inverse_transpose(m, det);
    double change = 0;
    for (int r = 0; r < 3; ++r) {
      for (int c = 0; c < 3; ++c) {
        const double next = 0.5 * (m[r][c] + other[r][c]);
        change = std::max(change, std::abs(next - m[r][c]));
        m[r][c] = next;
      }
    }
    if (change < 1e-14) break;
  }
  return m;
}

struct WorldAxis {
  int axis;       // 0 right, 1 anterior, 2 superior
  bool positive;  // towards it
};

// For each stored axis i, j, k: the world axis it runs along.
std::array<WorldAxis, 3> world_axes(const Affine& affine) {
  Matrix3 directions;
  for (int c = 0; c < 3; ++c) {
    const double length = std::hypot(affine[c], affine[4 + c], affine[8 + c]);
    for (int r = 0; r < 3; ++r) directions[r][c] = affine[4 * r + c] / (length > 0 ? length : 1);
  }
  Matrix3 rotation = nearest_rotation(directions);
  std::array<WorldAxis, 3> axes;
  for (int c = 0; c < 3; ++c) {
    int best = 0;
    for (int r = 1; r < 3; ++r) {
      if (std::abs(rotation[r][c]) > std::abs(rotation[best][c])) best = r;
    }
    axes[c] = {best, rotation[best][c] > 0};
    rotation[best] = {0, 0, 0};  // a world axis is taken once
  }
  return axes;
}

}  // namespace

Orientation las_orientation(const Affine& affine) {
  const auto axes = world_axes(affine);
  Orientation orientation;
  for (int stored = 0; stored < 3; ++stored) {  // stored = 0 is x
    const auto [world, positive] = axes[stored];
    orientation.stored_axis[2 - world] = 2 - stored;
    orientation.flipped[2 - world] = world == 0 ? positive : !positive;
  }
  return orientation;
}

Index3 Orientation::las_shape(const Index3& stored_shape) const {
  return {stored_shape[stored_axis[0]], stored_shape[stored_axis[1]], stored_shape[stored_axis[2]]};
}

Affine Orientation::las_to_stored(const Index3& stored_shape) const {
  Affine matrix{};
  matrix[15] = 1;
  for (int a = 0; a < 3; ++a) {
    const int row = 2 - stored_axis[a];
    matrix[4 * row + (2 - a)] = flipped[a] ? -1 : 1;
    matrix[4 * row + 3] = flipped[a] ? static_cast<double>(stored_shape[stored_axis[a]] - 1) : 0;
  }
  return matrix;
}

double shear_degrees(const Affine& affine) {
  constexpr double kDegrees = 180 / std::numbers::pi;
  const std::array<double, 3> length = spacing(affine);  // of the columns z, y, x
  double greatest = 0;
  for (const auto& [a, b] : {std::pair{0, 1}, {0, 2}, {1, 2}}) {
    double product = 0;
    for (int r = 0; r < 3; ++r) product += affine[4 * r + a] * affine[4 * r + b];
    greatest = std::max(greatest, std::abs(product) / (length[2 - a] * length[2 - b]));
  }
  return std::asin(std::min(greatest, 1.0)) * kDegrees;
}

std::string axis_codes(const Affine& affine) {
  std::string codes;
  for (const auto& [axis, positive] : world_axes(affine)) codes += positive ? "RAS"[axis] : "LPI"[axis];
  return codes;
}

}  // namespace medlsam
