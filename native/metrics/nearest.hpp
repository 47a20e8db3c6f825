#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/task.hpp"
#include "volumes/volume.hpp"

namespace medlsam {

// Euclidean distance of each query from the site nearest to it. Sites and queries are offsets into a grid of
// `shape` (z, y, x; no axis longer than 65535), queries ascending; `spacing` (z, y, x) in mm. Infinite
// without sites. Exact: the distance transform separates by axes (Felzenszwalb and Huttenlocher, Distance
// Transforms of Sampled Functions, 2012), and is computed only in planes with queries. Takes 2 bytes per
// voxel of the grid.
std::vector<double> nearest_distances(const Index3& shape, const std::array<double, 3>& spacing,
                                      std::span<const std::int64_t> sites,
                                      std::span<const std::int64_t> queries, const Task& task);

}  // namespace medlsam
