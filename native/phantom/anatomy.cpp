#include "phantom/anatomy.hpp"

namespace medlsam::phantom {

Paint bone(float shell, float marrow) {
  return {.hu = marrow, .texture = 60, .shell = shell, .shell_hu = kCortex};
}

Paint vessel(float hu) {
  return {.hu = hu, .label = kKeepLabel};
}

Anatomy::Anatomy(const Subject& drawn) : subject(drawn), outlines(make_outlines(drawn)) {
  add_skin_parts(*this);
  add_limbs(*this);
  add_muscles(*this);
  add_bowel(*this);
  add_pelvis(*this);
  add_abdomen(*this);
  add_lung_vessels(*this);
  add_heart(*this);
  add_great_vessels(*this);
  add_airways(*this);
  add_neck(*this);
  add_shoulder_bones(*this);
  add_ribs(*this);
  add_pelvic_bones(*this);
  add_skull(*this);
  add_face(*this);
  add_brain(*this);
  add_spine(*this);
}

}  // namespace medlsam::phantom
