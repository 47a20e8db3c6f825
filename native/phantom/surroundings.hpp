// The surroundings of a patient in a scanner: a couch of one of several makes, clothes, masks.
#pragma once

#include "phantom/random.hpp"
#include "phantom/tissues.hpp"

namespace medlsam::phantom {

enum class Couch { kNone, kCradle, kFlat, kWedge };

struct Surroundings {
  Couch couch = Couch::kNone;
  float gap = 0, thickness = 26;    // mm from the table's top of plain phantoms; height of the couch
  float foam = -935, shell = -235;  // HU of its core, and of its surface
  float mattress = 0;               // mm, on the couch
  float rail = 0;                   // x of metal rails beside a flat couch, mm; 0 for none
  int layers = 0;                   // of clothes and blankets
  float cloth = -800, loose = 10;   // their HU; mm by which they leave the skin
  float mask = 0, mask_from = 0;    // mm, thickness of a mask over the head above this canonical z
};

Surroundings draw_surroundings(Draw& draw);

// Sets the HU of a row outside the body, given the distances to the skin: the row lies at `y`, mm behind the
// top of the table, and begins at `x`; `edge` is the width in mm over which materials mix in a voxel.
void paint_surroundings(const Surroundings& surroundings, float y, float x, float step, float edge,
                        TissueRow& row);

}  // namespace medlsam::phantom
