// UAM: places template points in a scan by the unified anatomical coordinate system (algorithm.md parts 5.1
// and 5.2) and, beyond the published method, more accurately by a survey of the scan.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "localization/landmarks.hpp"
#include "localization/templates/templates.hpp"

namespace medlsam {

// Places of the template points `indices` on the padded grid, or outside it: c_q + r·tanh(p_s − p_q), where
// c_q and p_q are the means over the patches of `query` (part 5.2), at least one. With a `survey` that is not
// empty, each point is then placed again from its patches, each with its own c and p: the mean of c +
// r·tanh(p_s − p), weighted by a Gaussian (60 mm) of the patch's distance from the point's first place.
// Averaging reduces the network's errors, and near patches are more accurate than far ones, because people
// differ in size.
std::vector<Index3> place_points(const Landmarks& query, const Landmarks& survey, const Index3& grid_shape,
                                 const Templates& templates, std::span<const std::int32_t> indices);

// The inverse: positions in UAM, 3 each, of points of a surveyed scan: the mean of p + artanh((x − c) / r)
// over the patches of `survey`, which is not empty, weighted as above. The position of the patch at the point
// itself (part 4) has the error of a single patch.
std::vector<float> surveyed_positions(const Landmarks& survey, std::span<const Index3> points);

}  // namespace medlsam
