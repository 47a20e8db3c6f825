// What fills the body before any organ is painted, and how shapes are painted over it.
#pragma once

#include <cstdint>

#include "phantom/anatomy.hpp"
#include "phantom/distance.hpp"

namespace medlsam::phantom {

// Everything known about a row of voxels.
struct TissueRow {
  RowPoints points;
  Lane wobble, mottling;  // within ±1, over centimetres and over millimetres
  Lane skin, cavity;      // distances to the outlines
  Lane diaphragm;         // mm above it
  Lane hu;
  std::uint8_t labels[kRow];
};

// Sets hu and labels of voxels with `skin` and `cavity` known: air, skin, fat, muscle, lungs, fat within.
// `edge` is the width in mm over which tissues mix in a voxel.
void fill_tissues(const Lane& muscle, float edge, TissueRow& row);

// Covers what lies within the shape, `distance` away from its solids; changes `distance`.
void paint_shape(const Paint& paint, float edge, Lane& distance, TissueRow& row);

}  // namespace medlsam::phantom
