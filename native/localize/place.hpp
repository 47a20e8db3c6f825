// UAM: where the unified anatomical coordinate system places template points in a scan (algorithm.md
// parts 5.1 and 5.2), and, beyond the published method, a survey of the scan that places them more closely.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/grid/grid.hpp"
#include "core/templates/templates.hpp"
#include "networks/medlam_model.hpp"

namespace medlsam {

struct Places {
  std::vector<Index3> points;  // (z, y, x) on the padded grid; outside it where UAM says so
  std::size_t patches = 0;     // network runs, encoder only
};

// Where the template points `indices` lie: c_q + r·tanh(p_s − p_q), c_q and p_q the means over the patches at
// `queries` (part 5.2). At least one query.
// With `survey`, each point is then placed again, by patches all over the scan, each with its own c and p:
// the mean of c + r·tanh(p_s − p), weighted by a Gaussian (80 mm) of the patch's distance from where the
// point lay before. A network that is wrong in one patch is right on average, and what is near is measured
// better than what is far, because people differ in size.
Places place_points(MedLamModel& medlam, const Grid& grid, const Templates& templates,
                    std::span<const Index3> queries, bool survey, std::span<const std::int32_t> indices,
                    const Task& task);

}  // namespace medlsam
