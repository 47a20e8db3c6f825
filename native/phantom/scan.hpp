// How a synthetic patient is scanned: the part of the body, the grid, the noise.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "phantom/realism.hpp"
#include "phantom/surroundings.hpp"
#include "volumes/volume.hpp"

namespace medlsam::phantom {

// In the order of lib/phantom/regions.ts, which names them.
enum class Region { kWhole, kTrunk, kAbdomen, kThorax, kHead };

// The caller's choices; the seed decides everything else.
struct ScanOptions {
  std::optional<Region> region;
  std::optional<std::array<double, 3>> spacing;  // mm along head–feet, front–back, left–right
  std::string axes;  // "" or three letters of RLAPSI: the directions of the stored x, y, z
  Realism realism{};
};

struct Scan {
  Region region = Region::kWhole;
  // Before the axes are brought into the stored order: (z to the head, y to the back, x to the left).
  Index3 shape{};
  std::array<double, 3> spacing{};
  std::array<double, 3> first{};  // mm, center of the first voxel in the space of Posture::canonical
  std::array<double, 3> shift{};  // mm from there to the scanner's LPS coordinates, (z, y, x)
  std::string axes;
  bool table = true, circle = false;     // circle: nothing is reconstructed outside the round field of view
  float table_y = 0;                     // y of the table's top, in the space of Posture::canonical
  float noise = 10;                      // HU, standard deviation where there is little tissue
  float smoothing = 0.5F;                // reconstruction kernel, 0 sharp … 1 soft
  float intercept = 0;                   // stored = HU - intercept
  float floor = -1024, padding = -1024;  // HU: the lowest, and what stands outside the circle
  std::optional<Surroundings> surroundings;  // instead of the table
};

// Throws kBadArgument for axes that are not an axis order, spacings outside [0.5, 10] mm, and scans of more
// than 2^29 voxels.
Scan plan_scan(const Subject& subject, const ScanOptions& options);

// Layout of the stored volume. The voxel (z, y, x) of the patient's order goes to the stored index
// offset + z·stride[0] + y·stride[1] + x·stride[2].
struct StoredOrder {
  Index3 shape{};   // (z, y, x) as stored
  Affine affine{};  // stored voxel (x, y, z, 1) → RAS mm
  std::int64_t offset = 0;
  Index3 stride{};
};
StoredOrder stored_order(const Scan& scan);

}  // namespace medlsam::phantom
