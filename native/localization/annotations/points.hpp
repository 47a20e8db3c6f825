// Annotation points of an organ on the padded grid (algorithm.md part 3).
#pragma once

#include <array>
#include <span>
#include <vector>

#include "localization/grid/labels.hpp"

namespace medlsam {

// Six points (z, y, x) in the order min z, min y, min x, max z, max y, max x.
inline constexpr std::size_t kPointsPerPart = 6;
using ExtremePoints = std::array<Index3, kPointsPerPart>;

// Whole-Patch Localization: the organ's extreme points. `extent` is the organ's entry of label_extents.
ExtremePoints whole_points(const LabelGrid& grid, const LabelExtent& extent);

// Sub-Patch Localization: six points for each of `parts` ≥ 1 cuts along z, the lowest first.
// `reference`: the organ's last slice belongs to no part (Q2), and the in-plane coordinates of a part's
// points come from slices of the whole organ (Q3). `exact`: the last slice belongs to the last part, and the
// points on a part's y and x faces lie in the part.
std::vector<ExtremePoints> part_points(const LabelGrid& grid, const LabelExtent& extent, int parts,
                                       Conventions conventions);

// An organ to annotate.
struct LabelledOrgan {
  int label = 0;
  int parts = 1;     // boxes it is localized by
  bool cut = false;  // into its parts; otherwise it is one part, whole
};

// The points of all organs, six for each part. Throws kBadAnnotation for a label without a voxel; kAborted.
std::vector<Index3> annotation_points(const LabelGrid& grid, std::span<const LabelledOrgan> organs,
                                      Conventions conventions, const Task& task);

}  // namespace medlsam
