#include "phantom/anatomy.hpp"

namespace medlsam::phantom {
namespace {

constexpr float kSides[] = {1, -1};
constexpr Vec kShoulder{166, 26, 611}, kHip{84, 0, 60};

// One segment of a limb, from the joint outward.
struct Limb {
  Vec from, middle, to;
  float muscle_from, muscle_to;  // radii
};

Limb arm(const Anatomy& body) {
  const float out = body.subject.shoulders;
  const Vec shoulder = kShoulder + Vec{out, 0, 0};
  if (body.subject.arms == Arms::kUp) {
    return {shoulder + Vec{8, -8, 12}, shoulder + Vec{4, -28, 190}, shoulder + Vec{-45, -40, 420}, 44, 34};
  }
  const float fat = 14 * body.subject.fat;
  return {shoulder + Vec{4, 4, -10}, shoulder + Vec{30 + fat, 12, -250}, shoulder + Vec{18 + fat, -30, -500},
          43, 28};
}

float arm_fat(const Anatomy& body) {
  return 3 + 7 * body.subject.fat;
}
float thigh_fat(const Anatomy& body) {
  return 3 + (body.subject.female ? 15.F : 9.F) * body.subject.fat;
}

void add_face_parts(Scene& parts, const Anatomy& body) {
  parts.ellipsoid({0, -42, 734}, {61, 52, 53});
  parts.cone({0, -97, 789}, 8, {0, -111, 768}, 10);
  parts.ellipsoid({0, -86, 702}, {24, 16, 16});
  for (const float side : kSides) {
    parts.ellipsoid({side * 80, 8, 785}, {5, 16, 29}, rotation(0, side * 8, side * 20));
  }
  if (!body.subject.female) return;
  Draw draw(body.subject.seed, Stream::kLimbs);
  const float size = 0.75F + 0.35F * body.subject.fat * draw.factor(0.1F);
  for (const float side : kSides) {
    parts.ellipsoid({side * 72, -112, 522 - 8 * size}, {50 * size, 30 * size, 48 * size});
  }
}

}  // namespace

void add_skin_parts(Anatomy& body) {
  Scene parts;
  parts.shape({});
  const float fat = thigh_fat(body), out = body.subject.hips;
  for (const float side : kSides) {
    parts.cone(mirrored(kHip + Vec{out, 0, 0}, side), 76 + fat, mirrored(kHip + Vec{out, 4, -260}, side),
               62 + fat);
    parts.ellipsoid(mirrored(kShoulder + Vec{body.subject.shoulders, -2, -4}, side), {44, 46, 44});
    if (body.subject.arms == Arms::kAbsent) continue;
    const Limb limb = arm(body);
    const float skin = arm_fat(body);
    parts.cone(mirrored(limb.from, side), limb.muscle_from + skin, mirrored(limb.middle, side),
               0.9F * limb.muscle_from + skin);
    parts.cone(mirrored(limb.middle, side), 0.9F * limb.muscle_from + skin, mirrored(limb.to, side),
               limb.muscle_to + skin);
  }
  add_face_parts(parts, body);
  body.skin_parts.assign(parts.primitives().begin(), parts.primitives().end());
}

void add_limbs(Anatomy& body) {
  Scene& scene = body.scene;
  const Paint muscle{.hu = body.subject.enhancement.muscle, .texture = 14, .wobble = 2};
  const float out = body.subject.hips;
  for (const float side : kSides) {
    const auto at = [&](Vec point) { return mirrored(point, side); };
    // Three groups of thigh muscles with fat between them.
    scene.shape(muscle);
    scene.cone(at({92 + out, -28, 45}), 44, at({90 + out, -24, -210}), 42);
    scene.shape(muscle);
    scene.cone(at({72 + out, 38, 40}), 40, at({92 + out, 36, -210}), 36);
    scene.shape(muscle);
    scene.cone(at({50 + out, -2, 40}), 32, at({62 + out, 4, -210}), 34);
    scene.shape(muscle);
    scene.ellipsoid(at({163 + body.subject.shoulders, 22, 604}), {37, 39, 44});
    if (body.subject.arms == Arms::kAbsent) continue;
    const Limb limb = arm(body);
    scene.shape(muscle);
    scene.cone(at(limb.from), limb.muscle_from, at(limb.middle), 0.9F * limb.muscle_from);
    scene.cone(at(limb.middle), 0.9F * limb.muscle_from, at(limb.to), limb.muscle_to);
    scene.shape(bone(4, -40));
    scene.cone(at(kShoulder + Vec{body.subject.shoulders, 0, -4}), 13, at(limb.middle), 11);
    scene.shape(bone(3, -20));
    scene.cone(at(limb.middle + Vec{-9, 0, 0}), 9, at(limb.to + Vec{-9, 6, 0}), 7);
    scene.shape(bone(3, -20));
    scene.cone(at(limb.middle + Vec{11, 0, 0}), 9, at(limb.to + Vec{11, -4, 0}), 7);
  }
  if (!body.subject.female) return;
  Draw draw(body.subject.seed, Stream::kLimbs);
  const Paint gland{.hu = 25, .texture = 70, .wobble = 6, .rough = 5};
  const float size = draw.uniform(0.5F, 0.95F);
  for (const float side : kSides) {
    scene.shape(gland);
    scene.ellipsoid({side * 72, -122, 516}, {32 * size, 15 * size, 32 * size});
  }
}

void add_shoulder_bones(Anatomy& body) {
  Scene& scene = body.scene;
  const float out = body.subject.shoulders;
  for (const float side : kSides) {
    const auto at = [&](float x, float y, float z) { return Vec{side * x, y, z}; };
    scene.shape(bone(1.5F));
    scene.plate(at(74, 96, 618), at(88, 108, 498), at(134 + out, 46, 604), 2.2F);
    scene.cone(at(88, 108, 498), 4, at(136 + out, 44, 594), 6);
    scene.cone(at(76, 98, 604), 4, at(128 + out, 74, 622), 6);
    scene.tube({at(128 + out, 74, 622), at(158 + out, 56, 640), at(164 + out, 28, 644)}, {6, 7});
    scene.ellipsoid(at(138 + out, 38, 606), {6, 13, 18});
    scene.tube({at(132 + out, 34, 618), at(136 + out, 8, 626)}, {6, 5});
    scene.shape(bone(1.8F, 180));
    scene.sphere(at(kShoulder.x + out, kShoulder.y - 2, kShoulder.z), 23);
    scene.shape(bone(2, 240));
    scene.tube({at(20, -50, 616), at(58, -46, 626), at(102 + 0.5F * out, -8, 640), at(158 + out, 22, 644)},
               {9, 6, 6, 7});
  }
}

}  // namespace medlsam::phantom
