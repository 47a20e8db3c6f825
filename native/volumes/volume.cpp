#include "volumes/volume.hpp"

#include <cmath>

namespace medlsam {

std::array<double, 3> spacing(const Affine& affine) {
  const auto length = [&](int column) {
    return std::hypot(affine[column], affine[4 + column], affine[8 + column]);
  };
  return {length(2), length(1), length(0)};
}

}  // namespace medlsam
