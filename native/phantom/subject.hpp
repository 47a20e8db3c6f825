// A synthetic patient: everything that does not depend on the scan.
#pragma once

#include <array>
#include <cstdint>

#include "phantom/organs.hpp"
#include "phantom/vec.hpp"

namespace medlsam::phantom {

// In the order of lib/phantom/regions.ts, which names them.
enum class Arms { kUp, kDown, kAbsent };
enum class Phase { kNone, kArterial, kPortalVenous };

// HU of the tissues that contrast medium reaches.
struct Enhancement {
  float artery, vein, portal, liver, spleen, kidney_cortex, kidney_medulla, pancreas, myocardium, mucosa,
      muscle, gland;
};

struct Subject {
  std::uint32_t seed = 0;
  bool female = false;
  float stature = 1750;           // mm
  Vec scale{1, 1, 1};             // mm of this body per canonical mm, along each axis
  float fat = 1;                  // thickness of the fat under the skin, 1 = average
  float belly = 0;                // mm by which fat within the abdomen moves its wall forward
  float breath = 0;               // mm by which the diaphragm lies higher than average
  float hips = 0, shoulders = 0;  // mm by which each side is wider than average
  Arms arms = Arms::kUp;
  Phase phase = Phase::kNone;
  Enhancement enhancement{};
  std::array<bool, kOrganEnd> present{};  // false for organs that were removed
};

// Always gives the same patient for the same seed.
Subject draw_subject(std::uint32_t seed);

}  // namespace medlsam::phantom
