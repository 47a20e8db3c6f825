// Query centers: the patches by which a scan is placed in the anatomical coordinate system (algorithm.md part
// 5.1).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "localization/grid/grid.hpp"

namespace medlsam {

// Ten points of the padded grid within 30 mm of its middle along every axis that are not in air, the same for
// the same seed on every machine. Throws kBadVolume for a scan with almost only air there.
std::vector<Index3> draw_query_centers(const Grid& grid, std::uint32_t seed);

// Throws kBadArgument for a center outside the scan, for example in its padding.
void check_query_centers(std::span<const Index3> centers, const Grid& grid);

}  // namespace medlsam
