// The tissues that fill the body before any organ is painted, and the painting of shapes over them.
#pragma once

#include <cstdint>

#include "phantom/anatomy.hpp"
#include "phantom/distance.hpp"

namespace medlsam::phantom {

// A row of voxels: its points, the distances and noises there, and the values being made.
struct TissueRow {
  RowPoints points;
  Lane wobble, mottling;  // within ±1, varying over centimeters and over millimeters
  Lane skin, cavity;      // distances to the outlines
  Lane diaphragm;         // height above the diaphragm, mm
  Lane vessels;           // share of small vessels
  Lane hu;
  std::uint8_t labels[kRow];
};

// Sets hu and labels from the distances: air, skin, fat, muscle, lungs, fat in the cavity. `edge` is the
// width in mm over which tissues mix in a voxel.
void fill_tissues(const Filling& filling, const Lane& muscle, float edge, TissueRow& row);

// Paints the voxels inside the shape, given their distances from its solids. Modifies `distance`.
void paint_shape(const Paint& paint, float edge, Lane& distance, TissueRow& row);

}  // namespace medlsam::phantom
