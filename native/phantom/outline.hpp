// The body as nested outlines: skin, the muscles under the fat, the cavity of chest, abdomen and pelvis.
#pragma once

#include <vector>

#include "phantom/subject.hpp"

namespace medlsam::phantom {

// A horizontal section of an outline: a shape between an ellipse and a rectangle, with separate depths to the
// front and to the back.
struct Section {
  float half_width = 0, front = 0, back = 0;  // mm from the center, which lies at (0, center)
  float center = 0;                           // y of the center
  float square = 0;                           // 0 ellipse … 1 fourth-power superellipse
  float steep = 1;                            // cosine of the angle between surface and vertical
};

class Outline {
 public:
  struct Cut {
    float z;
    Section section;
  };
  // Interpolates smoothly between the cuts, which ascend in z; constant beyond the first and the last.
  explicit Outline(const std::vector<Cut>& cuts);

  Section at(float z) const;
  // Point of the surface at height z, `degrees` from the front towards the patient's left (90°).
  Vec surface(float z, float degrees, float outward = 0) const;

 private:
  float bottom_;
  std::vector<Section> table_;
};

struct Outlines {
  Outline skin, muscle, cavity;
  float bottom, top;  // canonical z of the ends of skin and muscle; the thighs continue below
};

Outlines make_outlines(const Subject& subject);

// Canonical z of the diaphragm at (x, y).
float diaphragm(const Subject& subject, float x, float y);

// y of the middle of the vertebral bodies.
float spine_y(float z);

}  // namespace medlsam::phantom
