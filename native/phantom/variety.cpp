// Builds and tissues of patients, drawn more widely than the typical ones.
#include <algorithm>
#include <array>

#include "phantom/realism.hpp"

namespace medlsam::phantom {
namespace {

constexpr float kSoft = -200, kFatty = -60;  // HU above which a shape is no gas, and no fat

// Shifts of the tissues of one patient, HU.
struct Shifts {
  std::array<float, kOrganEnd> organ{};
  float soft = 0, fat = 0, cortex = 1, marrow = 1, texture = 1;  // cortex, marrow, texture: factors
};

// How widely an organ's HU vary. Fluid and brain are nearly the same in everybody.
float deviation(int organ) {
  switch (organ) {
    case kBrain:
    case kEyeLeft:
    case kEyeRight:
    case kSpinalCanal:
      return 4;
    case kGallbladder:
    case kBladder:
      return 8;
    default:
      return 13;
  }
}

Shifts draw_shifts(Draw& draw) {
  Shifts shifts;
  for (int organ = 1; organ < kOrganEnd; ++organ) shifts.organ[organ] = draw.normal(0, deviation(organ));
  for (const int left : {kEyeLeft, kParotidLeft, kKidneyLeft}) {
    shifts.organ[left + 1] = shifts.organ[left] + draw.normal(0, 2);
  }
  if (draw.chance(0.12F)) shifts.organ[kBladder] += draw.uniform(60, 700);  // contrast medium in the urine
  if (draw.chance(0.08F)) shifts.organ[kGallbladder] += draw.uniform(30, 200);
  shifts.soft = draw.normal(0, 8);
  shifts.fat = draw.normal(0, 7);
  shifts.cortex = draw.uniform(0.75F, 1.25F);
  shifts.marrow = draw.uniform(0.45F, 1.3F);
  shifts.texture = draw.uniform(0.6F, 2);
  return shifts;
}

bool is_bowel(const Paint& paint) {
  return paint.in_cavity && paint.label == kBackground && paint.shell > 0;
}

// Fluid, contrast medium that was drunk, or stool; and gas in front of it.
void fill_bowel(Shape& shape, bool contrast, Draw& draw) {
  Paint& paint = shape.paint;
  const float dense = draw.uniform(110, 420), fluid = draw.uniform(-20, 45), stool = draw.uniform(-120, 60);
  const int content = draw.pick({0.55F, contrast ? 0.7F : 0.03F, 0.35F});
  paint.hu = content == 0 ? fluid : content == 1 ? dense : stool;
  paint.texture = content == 2 ? draw.uniform(60, 220) : draw.uniform(3, 30);
  const float middle = (shape.bounds.min.y + shape.bounds.max.y) / 2;
  const float half = (shape.bounds.max.y - shape.bounds.min.y) / 2;
  paint.gas_before = draw.chance(0.35F) ? middle + half * draw.uniform(-0.9F, 0.7F) : kNoGas;
}

void vary_soft(Paint& paint, const Shifts& shifts, Draw& draw) {
  const bool organ = paint.label != kBackground && paint.label != kKeepLabel;
  const float own = draw.normal(0, organ ? 3 : 6);
  const float shift = (paint.hu < kFatty ? shifts.fat
                       : organ           ? shifts.organ[paint.label]
                                         : shifts.soft) +
                      own;
  paint.hu += shift;
  if (paint.shell > 0) paint.shell_hu += shift;
  paint.texture *= shifts.texture;
  if (organ) paint.texture = std::max(paint.texture, 2 * shifts.texture);
}

Filling draw_filling(const Shifts& shifts, Draw& draw) {
  Filling filling;
  filling.fat += shifts.fat;
  filling.muscle += shifts.soft;
  filling.muscle_texture = draw.uniform(3, 16);
  filling.strands_from = draw.uniform(0.15F, 0.65F);
  filling.strands = draw.uniform(0.3F, 1);
  filling.planes = draw.uniform(0.3F, 1.2F);
  filling.lung = std::clamp(filling.lung + draw.normal(0, 35), -920.F, -730.F);
  filling.vessels = draw.uniform(0.5F, 1);
  return filling;
}

}  // namespace

void vary_build(Subject& subject) {
  Draw draw(subject.seed, Stream::kPose);
  const float size = draw.factor(0.06F);
  subject.stature *= size;
  subject.scale = {subject.scale.x * size * draw.factor(0.05F), subject.scale.y * size * draw.factor(0.06F),
                   subject.scale.z * size * draw.factor(0.04F)};
  subject.fat = std::clamp(subject.fat * draw.factor(0.3F), 0.3F, 3.F);
  subject.belly += draw.uniform(-6, 22) * std::min(subject.fat, 1.5F);
  subject.breath += draw.normal(0, 9);
  subject.hips += draw.normal(0, 3);
  subject.shoulders += draw.normal(0, 4);
  subject.arms = static_cast<Arms>(draw.pick({0.6F, 0.25F, 0.15F}));
}

void vary_enhancement(Subject& subject) {
  Draw draw(subject.seed, Stream::kTissue);
  Enhancement& hu = subject.enhancement;
  const float blood = subject.phase == Phase::kNone ? draw.factor(0.1F) : draw.factor(0.3F);
  for (float* value : {&hu.artery, &hu.vein, &hu.portal}) *value *= blood * draw.factor(0.08F);
  const float kidneys = draw.factor(subject.phase == Phase::kNone ? 0.1F : 0.25F);
  hu.kidney_cortex *= kidneys;
  hu.kidney_medulla *= kidneys * draw.factor(0.2F);
  for (float* value : {&hu.liver, &hu.spleen, &hu.pancreas, &hu.myocardium, &hu.mucosa, &hu.gland}) {
    *value += draw.normal(0, 9);
  }
  hu.muscle += draw.normal(0, 7);
}

void vary_tissues(Anatomy& body) {
  Draw draw(body.subject.seed + 1, Stream::kTissue);
  const Shifts shifts = draw_shifts(draw);
  const bool contrast = draw.chance(0.35F);
  body.filling = draw_filling(shifts, draw);
  const Enhancement& hu = body.subject.enhancement;
  const float veins = (hu.vein + hu.portal) / 2 - hu.liver;
  for (Shape& shape : body.scene.shapes()) {
    Paint& paint = shape.paint;
    if (paint.shell_hu >= kCortex) {
      paint.shell_hu *= shifts.cortex;
      if (paint.hu > 0) paint.hu *= shifts.marrow;
    } else if (is_bowel(paint)) {
      fill_bowel(shape, contrast, draw);
    } else if (paint.hu > kSoft) {
      vary_soft(paint, shifts, draw);
      if (paint.gas_before != kNoGas) paint.gas_before += draw.normal(0, 8);
      if (paint.label == kLiver) paint.veins = veins;
    }
  }
}

}  // namespace medlsam::phantom
