// Signed distances, a row of points at a time.
#pragma once

#include <span>

#include "phantom/outline.hpp"
#include "phantom/scene.hpp"

namespace medlsam::phantom {

constexpr int kRow = 32;

// A value for each point of a row.
struct alignas(64) Lane {
  float at[kRow];
};

struct RowPoints {
  int count = 0;  // at most kRow
  Lane x, y, z;
};

// Distance in mm to the surface of a primitive, negative inside; correct to first order near the surface.
void distance_to(const Primitive& primitive, const RowPoints& points, Lane& distance);

// Distance to the union of the solids that are added, blended over `blend` mm, minus those that are cut out.
void distance_to_shape(std::span<const Primitive* const> primitives, float blend, const RowPoints& points,
                       Lane& distance);

// Distance within the horizontal plane to an outline. `first` and `last` are its sections at the ends of the
// row.
void distance_to_outline(const Section& first, const Section& last, const RowPoints& points, Lane& distance);

}  // namespace medlsam::phantom
