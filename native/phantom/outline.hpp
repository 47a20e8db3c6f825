// The body as nested outlines: skin, the muscles under the fat, the cavity of chest, abdomen and pelvis.
#pragma once

#include <vector>

#include "phantom/subject.hpp"

namespace medlsam::phantom {

// A horizontal cut through an outline: between an ellipse and a rectangle, its front and back of their own
// depth.
struct Section {
  float half_width = 0, front = 0, back = 0;  // mm from the centre, which lies at (0, center)
  float center = 0;                           // y
  float square = 0;                           // 0 ellipse … 1 fourth-power superellipse
  float steep = 1;                            // cosine of the angle between surface and vertical
};

class Outline {
 public:
  struct Cut {
    float z;
    Section section;
  };
  // Smooth through the cuts, which ascend in z; constant beyond them.
  explicit Outline(const std::vector<Cut>& cuts);

  Section at(float z) const;
  // The point of the surface at height z and this angle from the front, 90° being the patient's left.
  Vec surface(float z, float degrees, float outward = 0) const;

 private:
  float bottom_;
  std::vector<Section> table_;
};

struct Outlines {
  Outline skin, muscle, cavity;
  float bottom, top;  // canonical z between which skin and muscle lie; the thighs go on below
};

Outlines make_outlines(const Subject& subject);

// Canonical z of the diaphragm above (x, y).
float diaphragm(const Subject& subject, float x, float y);

// y of the middle of the vertebral bodies.
float spine_y(float z);

}  // namespace medlsam::phantom
