// From where a voxel lies to the point of the canonical body that is there.
#pragma once

#include "phantom/random.hpp"
#include "phantom/subject.hpp"

namespace medlsam::phantom {

// A vector that changes smoothly over space, each component within ±1, equal at equal (key, point).
Vec smooth_noise(std::uint32_t key, Vec point, float wavelength);

class Posture {
 public:
  explicit Posture(const Subject& subject);

  struct Place {
    Vec point;     // canonical mm
    float wobble;  // within ±1, changes over centimetres
  };
  // `point` is in mm along the scanner's x (left), y (back) and z (head), the body's axis being x = y = 0 and
  // its z that of the canonical body times scale.z.
  Place canonical(Vec point) const;

 private:
  Vec scale_;
  Rotation tilt_, head_;
  float scoliosis_, scoliosis_phase_, kyphosis_, side_bend_, coarse_, fine_;
  std::uint32_t key_;
};

}  // namespace medlsam::phantom
