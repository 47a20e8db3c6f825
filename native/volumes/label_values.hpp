// Labels from the voxels of a label map.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>

#include "base/error.hpp"

namespace medlsam {

// The label of a stored value. Throws kBadLabels for values that are not whole numbers in 0…65535.
template <class Stored>
std::uint16_t to_label(Stored stored, double slope, double intercept) {
  const double value = static_cast<double>(stored) * slope + intercept;
  if (!(value >= 0 && value <= 65535) || value != std::floor(value)) {
    throw Error(ErrorCode::kBadLabels, "The label map holds the value " + std::to_string(value) +
                                           "; labels are whole numbers from 0 to 65535. Is this the image?");
  }
  return static_cast<std::uint16_t>(value);
}

}  // namespace medlsam
