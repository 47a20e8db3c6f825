// UAM: where the unified anatomical coordinate system places template points in a scan (algorithm.md
// parts 5.1 and 5.2), and, beyond the published method, a survey of the scan that places them more closely.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "localization/landmarks.hpp"
#include "localization/templates/templates.hpp"

namespace medlsam {

// Where the template points `indices` lie on the padded grid, or outside it: c_q + r·tanh(p_s − p_q), c_q and
// p_q the means over the patches of `query` (part 5.2), which has one at least. With a `survey` that is not
// empty, each point is then placed again, by its patches, each with its own c and p: the mean of c +
// r·tanh(p_s − p), weighted by a Gaussian (60 mm) of the patch's distance from where the point lay before. A
// network that is wrong in one patch is right on average, and what is near is measured better than what is
// far, because people differ in size.
std::vector<Index3> place_points(const Landmarks& query, const Landmarks& survey, const Index3& grid_shape,
                                 const Templates& templates, std::span<const std::int32_t> indices);

// The other way round: the UAM positions, 3 each, that the patches of a `survey`, which is not empty, give
// points of its scan: the mean of p + artanh((x − c) / r), weighted as above. The patch at the point itself
// says the same (part 4), but with the error of one patch.
std::vector<float> surveyed_positions(const Landmarks& survey, std::span<const Index3> points);

}  // namespace medlsam
