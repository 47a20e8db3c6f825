#include "phantom/subject.hpp"

#include <algorithm>

#include "phantom/random.hpp"

namespace medlsam::phantom {
namespace {

// Stature of the canonical body.
constexpr float kCanonicalStature = 1740;

Enhancement typical(Phase phase) {
  switch (phase) {
    case Phase::kArterial:
      return {290, 60, 90, 68, 105, 190, 75, 105, 110, 95, 58, 160};
    case Phase::kPortalVenous:
      return {155, 145, 165, 108, 122, 185, 170, 92, 95, 85, 65, 130};
    default:
      return {42, 40, 41, 57, 49, 33, 30, 40, 44, 38, 54, 105};
  }
}

Enhancement draw_enhancement(Phase phase, Draw& draw) {
  Enhancement hu = typical(phase);
  const float strength = phase == Phase::kNone ? 1 : draw.factor(0.15F);
  for (float* value : {&hu.artery, &hu.vein, &hu.portal, &hu.kidney_cortex, &hu.kidney_medulla}) {
    *value *= strength;
  }
  hu.liver -= draw.chance(0.2F) ? draw.uniform(10, 45) : 0;  // steatosis
  for (float* value : {&hu.liver, &hu.spleen, &hu.pancreas, &hu.muscle, &hu.gland}) {
    *value += draw.normal(0, 4);
  }
  return hu;
}

}  // namespace

Subject draw_subject(std::uint32_t seed) {
  Draw draw(seed, Stream::kSubject);
  Subject subject{.seed = seed};
  subject.female = draw.chance(0.5F);
  subject.stature = draw.normal(subject.female ? 1640.F : 1770.F, 70);
  const float tall = subject.stature / kCanonicalStature;
  const float broad = 0.5F + 0.5F * tall;
  subject.scale = {broad * draw.factor(0.035F), broad * draw.factor(0.035F), tall * draw.factor(0.025F)};
  subject.fat = std::clamp(draw.factor(0.45F) * (subject.female ? 1.15F : 0.95F), 0.35F, 2.6F);
  subject.belly = std::max(-8.F, draw.normal(4, 10) + 14 * (subject.fat - 1) * (subject.female ? 0.6F : 1.F));
  subject.breath = draw.normal(0, 9);
  subject.hips = (subject.female ? 5.F : -2.F) + draw.normal(0, 3);
  subject.shoulders = (subject.female ? -9.F : 5.F) + draw.normal(0, 4);
  subject.arms = static_cast<Arms>(draw.pick({0.5F, 0.35F, 0.15F}));
  subject.phase = static_cast<Phase>(draw.pick({0.35F, 0.2F, 0.45F}));
  subject.enhancement = draw_enhancement(subject.phase, draw);
  subject.present.fill(true);
  subject.present[kGallbladder] = !draw.chance(0.12F);
  subject.present[kSpleen] = !draw.chance(0.05F);
  const float kidney = draw.uniform(0, 1);  // at most one of them is removed
  subject.present[kKidneyLeft] = kidney >= 0.04F;
  subject.present[kKidneyRight] = kidney < 0.96F;
  return subject;
}

}  // namespace medlsam::phantom
