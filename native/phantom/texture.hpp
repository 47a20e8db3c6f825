#pragma once

#include <cstdint>
#include <vector>

#include "phantom/distance.hpp"

namespace medlsam::phantom {

// Mottling of tissues: noise within ±1 that varies over millimeters and repeats every 32 cells.
class Texture {
 public:
  explicit Texture(std::uint32_t key);
  // The values at the points; cells are `cell` mm wide.
  void sample(const RowPoints& points, float cell, Lane& values) const;

 private:
  std::vector<float> cells_;
};

}  // namespace medlsam::phantom
