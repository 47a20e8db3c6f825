// How much a phantom resembles patients: what scans of the clinic have and plain phantoms lack, in parts.
#pragma once

#include "phantom/anatomy.hpp"

namespace medlsam::phantom {

// In the order of phantomRealism in lib/phantom/regions.ts, which names the parts.
struct Realism {
  bool pose =
      false;  // other builds, turned bodies, scans that begin and end anywhere, fields of view that cut
  bool tissue =
      false;  // HU and texture drawn for every tissue, contents of the bowel, vessels in lungs and liver
  bool scanner = false;  // couches, clothes, metal and its streaks, kernels, thick slices, padding
};

// Draws another build and other arms; sex, contrast and missing organs stay. Part of `pose`.
void vary_build(Subject& subject);

// Draws the enhancement anew, organ by organ, around the phase of contrast. Part of `tissue`.
void vary_enhancement(Subject& subject);

// Draws the HU and textures of all shapes and of the tissues between them. Labels do not change. Part of
// `tissue`.
void vary_tissues(Anatomy& body);

// Adds fillings, hip prostheses, clips, screws, wires. Metal has no label, and what it replaces loses its
// own. Part of `scanner`.
void add_metal(Anatomy& body);

}  // namespace medlsam::phantom
