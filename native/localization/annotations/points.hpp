// Annotation points of an organ on the padded grid (algorithm.md part 3).
#pragma once

#include <array>
#include <vector>

#include "localization/grid/labels.hpp"

namespace medlsam {

// Six points (z, y, x) in the order min z, min y, min x, max z, max y, max x.
using ExtremePoints = std::array<Index3, 6>;

// Whole-Patch Localization: the organ's extreme points. `extent` is the organ's entry of label_extents.
ExtremePoints whole_points(const LabelGrid& grid, const LabelExtent& extent);

// Sub-Patch Localization: six points for each of `parts` ≥ 1 cuts along z, the lowest first.
// `reference`: the organ's last slice belongs to no part (Q2), and the in-plane coordinates of a part's
// points come from slices of the whole organ (Q3). `exact`: the last slice belongs to the last part, and the
// points on a part's y and x faces lie in the part.
std::vector<ExtremePoints> part_points(const LabelGrid& grid, const LabelExtent& extent, int parts,
                                       Conventions conventions);

}  // namespace medlsam
