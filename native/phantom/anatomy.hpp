// The canonical body of one patient as painted shapes, from the limbs inward.
#pragma once

#include "phantom/outline.hpp"
#include "phantom/random.hpp"
#include "phantom/scene.hpp"
#include "phantom/subject.hpp"

namespace medlsam::phantom {

// HU of tissues that contrast medium hardly changes.
inline constexpr float kAir = -1000, kFat = -103, kWater = 4, kBlood = 42, kCortex = 850, kMarrow = 220,
                       kCartilage = 105, kNerve = 36;

// The tissues that fill the body between its organs. Shares lie within 0 … 1.
struct Filling {
  float fat = kFat, muscle = 56, lung = -835;  // HU
  float muscle_texture = 6;                    // amplitude of its mottling, HU
  float strands_from = 0.5F,
        strands = 0.7F;  // mottling above which there are strands of fat in muscle; their share
  float planes = 0.6F;   // share of fat between layers of muscle
  float vessels = 0;     // share of small vessels where they run
};

struct Anatomy {
  explicit Anatomy(const Subject& subject);

  Subject subject;
  Outlines outlines;
  std::vector<Primitive>
      skin_parts;  // parts of the body that the outline leaves out: limbs, jaw, nose, ears, breasts
  Scene scene;
  Filling filling;
};

Paint bone(float shell, float marrow = kMarrow);
// Fluid, or blood in a vessel of another organ, whose label is kept.
Paint vessel(float hu);

// Each function adds its shapes; the order of the calls in anatomy.cpp decides which shape covers which.
void add_skin_parts(Anatomy& body);
void add_limbs(Anatomy& body);
void add_muscles(Anatomy& body);
void add_bowel(Anatomy& body);
void add_abdomen(Anatomy& body);
void add_pelvis(Anatomy& body);
void add_lung_vessels(Anatomy& body);
void add_heart(Anatomy& body);
void add_great_vessels(Anatomy& body);
void add_airways(Anatomy& body);
void add_pelvic_bones(Anatomy& body);
void add_shoulder_bones(Anatomy& body);
void add_ribs(Anatomy& body);
void add_spine(Anatomy& body);
void add_skull(Anatomy& body);
void add_face(Anatomy& body);
void add_brain(Anatomy& body);
void add_neck(Anatomy& body);

}  // namespace medlsam::phantom
