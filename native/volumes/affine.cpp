#include "volumes/affine.hpp"

namespace medlsam {
namespace {

// Cofactor of an element of the 3×3 part; cyclic indices make its sign come out right.
double cofactor(const Affine& m, int row, int column) {
  const int r1 = (row + 1) % 3, r2 = (row + 2) % 3, c1 = (column + 1) % 3, c2 = (column + 2) % 3;
  return m[4 * r1 + c1] * m[4 * r2 + c2] - m[4 * r1 + c2] * m[4 * r2 + c1];
}

}  // namespace

std::array<double, 3> map_point(const Affine& matrix, const std::array<double, 3>& xyz) {
  std::array<double, 3> out;
  for (int r = 0; r < 3; ++r) {
    out[r] =
        matrix[4 * r] * xyz[0] + matrix[4 * r + 1] * xyz[1] + matrix[4 * r + 2] * xyz[2] + matrix[4 * r + 3];
  }
  return out;
}

Affine inverse(const Affine& matrix) {
  const double determinant = matrix[0] * cofactor(matrix, 0, 0) + matrix[1] * cofactor(matrix, 0, 1) +
                             matrix[2] * cofactor(matrix, 0, 2);
  Affine result{};
  result[15] = 1;
  for (int r = 0; r < 3; ++r) {
    double offset = 0;
    for (int c = 0; c < 3; ++c) {
      result[4 * r + c] = cofactor(matrix, c, r) / determinant;
      offset += result[4 * r + c] * matrix[4 * c + 3];
    }
    result[4 * r + 3] = -offset;
  }
  return result;
}

}  // namespace medlsam
