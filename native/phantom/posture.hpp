// Maps scanner coordinates to the canonical body.
#pragma once

#include "phantom/random.hpp"
#include "phantom/subject.hpp"

namespace medlsam::phantom {

// Smooth vector noise: each component within ±1, a function of (key, point) alone.
Vec smooth_noise(std::uint32_t key, Vec point, float wavelength);

class Posture {
 public:
  // `free`: turned and bent more than a carefully positioned patient.
  explicit Posture(const Subject& subject, bool free = false);

  struct Place {
    Vec point;     // canonical mm
    float wobble;  // within ±1, varies over centimeters
  };
  // `point`: mm along the scanner's x (left), y (back) and z (head). The body's axis is x = y = 0, and its z
  // is that of the canonical body times scale.z.
  Place canonical(Vec point) const;

 private:
  Vec scale_;
  Rotation tilt_, head_;
  float scoliosis_, scoliosis_phase_, kyphosis_, side_bend_, coarse_, fine_;
  std::uint32_t key_;
};

}  // namespace medlsam::phantom
