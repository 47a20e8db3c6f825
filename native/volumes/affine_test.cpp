#include "volumes/affine.hpp"

#include <doctest/doctest.h>

#include <cmath>

namespace medlsam {

TEST_CASE("an affine and its inverse undo each other") {
  const double c = std::cos(0.3), s = std::sin(0.3);
  const Affine affine = {0, 0, 2.5, 10, -0.8 * c, 1.2 * s, 0, 20, 0.8 * s, 1.2 * c, 0, -30, 0, 0, 0, 1};
  const auto there = map_point(affine, {3, -7, 11});
  CHECK(there[0] == doctest::Approx(2.5 * 11 + 10));
  CHECK(there[1] == doctest::Approx(-0.8 * c * 3 - 1.2 * s * 7 + 20));
  const auto back = map_point(inverse(affine), there);
  CHECK(back[0] == doctest::Approx(3));
  CHECK(back[1] == doctest::Approx(-7));
  CHECK(back[2] == doctest::Approx(11));
}

TEST_CASE("the inverse of an exchange of axes is exact") {
  const Affine affine = {0, 0, -2, 8, 4, 0, 0, -12, 0, 1, 0, 5, 0, 0, 0, 1};
  CHECK(inverse(affine) == Affine{0, 0.25, 0, 3, 0, 0, 1, -5, -0.5, 0, 0, 4, 0, 0, 0, 1});
}

}  // namespace medlsam
