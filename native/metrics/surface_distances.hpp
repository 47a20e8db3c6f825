// Distances between the surfaces of two masks (algorithm.md part 7). Everything outside the volume is
// background, so a mask that touches the border has a surface there.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/task.hpp"
#include "metrics/surfaces.hpp"
#include "volumes/volume.hpp"

namespace medlsam {

// In mm. All NaN when both masks are empty: there is nothing to compare. All infinite when one is.
struct SurfaceDistances {
  double hausdorff = 0;  // the greatest distance of a surface voxel of one mask from the other's surface
  double hausdorff95 =
      0;               // 95th percentile of all those distances, both ways together, linearly interpolated
  double average = 0;  // ASSD: the mean of one way's mean and the other's
};

// The surface is the mask minus its 6-connected erosion; distances are Euclidean, between voxel centers.
// Every value but 0 is foreground; `shape` and `spacing` are (z, y, x). Besides the masks it needs 4 bytes
// for each voxel of the box around both. Throws kBadArgument for masks of another shape and spacings that are
// not positive; kAborted.
SurfaceDistances surface_distances(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b,
                                   const Index3& shape, const std::array<double, 3>& spacing,
                                   const Task& task);

// Normalized surface Dice (Nikolov et al., Deep learning to achieve clinically applicable segmentation of
// head and neck anatomy, 2018): the share of both surfaces' area that lies within `tolerance` mm of the other
// surface. Areas are those of the marching-cubes surface, distances between the centers of the cells it
// crosses. NaN when both masks are empty, 0 when one is. Throws as surface_distances does, and for a negative
// tolerance.
double surface_dice(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b, const Index3& shape,
                    const std::array<double, 3>& spacing, double tolerance, const Task& task);

// The same for masks that are cropped already, for callers that need both figures.
SurfaceDistances surface_distances(const MaskPair& pair, const std::array<double, 3>& spacing,
                                   const Task& task);
double surface_dice(const MaskPair& pair, const std::array<double, 3>& spacing, double tolerance,
                    const Task& task);

}  // namespace medlsam
