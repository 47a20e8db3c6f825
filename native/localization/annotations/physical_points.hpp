// Extreme points given in the patient's millimeters, in place of a label map (algorithm.md part 3).
#pragma once

#include <array>
#include <string>
#include <vector>

#include "localization/grid/grid.hpp"

namespace medlsam {

struct PhysicalPoints {
  std::string organ;                          // its name, for messages
  std::vector<std::array<double, 3>> points;  // LPS mm (x, y, z), six for each part in any order
};

// The points on the padded grid, six for each part in the order min z, min y, min x, max z, max y, max x.
// Throws kBadAnnotation naming a point that lies outside the scan.
std::vector<Index3> points_on_grid(const PhysicalPoints& given, const Grid& grid);

}  // namespace medlsam
