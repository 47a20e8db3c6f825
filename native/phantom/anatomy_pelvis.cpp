#include "phantom/anatomy.hpp"

namespace medlsam::phantom {
namespace {

constexpr float kSides[] = {1, -1};

void add_hip_bone(Scene& scene, float side, float out) {
  const auto at = [&](float x, float y, float z) { return Vec{side * (x + out), y, z}; };
  // The wing, its crest, and the ring around the hip joint.
  scene.shape({.hu = 240, .texture = 80, .shell = 1.6F, .shell_hu = 780, .blend = 6, .wobble = 1});
  scene.plate(at(118, -42, 205), at(92, -8, 122), at(124, 8, 238), 3.6F);
  scene.plate(at(124, 8, 238), at(92, -8, 122), at(64, 74, 196), 3.8F);
  scene.plate(at(92, -8, 122), at(64, 74, 196), at(62, 60, 150), 6);
  scene.plate(at(92, -8, 122), at(62, 60, 150), at(80, 26, 110), 7);
  scene.tube({at(112, -56, 178), at(120, -44, 206), at(128, -10, 232), at(118, 28, 240), at(88, 62, 222),
              at(58, 84, 192)},
             {6, 6.5F, 6.5F, 6.5F, 6, 7});
  scene.tube({at(112, -56, 178), at(106, -40, 140), at(96, -24, 116)}, {5, 8, 10});
  scene.ellipsoid(at(82, -1, 96), {31, 33, 34});
  scene.tube({at(80, -26, 104), at(52, -52, 98), at(18, -66, 86)}, {10, 8, 9});
  scene.tube({at(18, -66, 86), at(34, -46, 52), at(58, 0, 24)}, {9, 6, 9});
  scene.tube({at(78, 26, 100), at(74, 36, 70), at(62, 30, 36), at(56, 8, 22)}, {13, 13, 15, 12});
  scene.plate(at(70, 30, 96), at(52, 56, 94), at(64, 40, 70), 4);
}

void add_femur(Scene& scene, float side, float out) {
  const auto at = [&](float x, float y, float z) { return Vec{side * (x + out), y, z}; };
  scene.shape({.hu = 60});  // cartilage and fluid of the joint
  scene.sphere(at(88, -3, 92), 25.5F);
  scene.shape({.hu = 210, .texture = 60, .shell = 2, .shell_hu = 900, .blend = 8});
  scene.tube({at(94, -2, 90), at(112, 4, 76), at(130, 10, 60)}, {18, 15, 18});
  scene.ellipsoid(at(142, 14, 66), {16, 20, 26});
  scene.ellipsoid(at(112, 24, 36), {12, 12, 14});
  scene.cone(at(130, 8, 50), 19, at(126, 4, 0), 15.5F);
  scene.shape({.hu = -30, .texture = 30, .shell = 5, .shell_hu = 1350});
  scene.cone(at(127, 5, 10), 15, at(114, 2, -260), 14);
  scene.shape(
      {.hu = 270, .label = on_side(kFemoralHeadLeft, side), .texture = 60, .shell = 1.5F, .shell_hu = 720});
  scene.sphere(at(88, -3, 92), 23.5F);
}

void add_rectum(Anatomy& body, Draw& draw) {
  const float wide = draw.uniform(10, 19);
  const Paint wall{.hu = draw.chance(0.5F) ? 35.F : 5.F,
                   .texture = 60,
                   .shell = 3.5F,
                   .shell_hu = 42,
                   .gas_before = draw.chance(0.5F) ? 62 - 0.5F * wide : kNoGas,
                   .wobble = 3};
  body.scene.shape(wall);
  body.scene.tube({{0, 54, 58}, {0, 50, 76}, {0, 58, 100}, {2, 66, 124}, {8, 58, 150}},
                  {7, 0.8F * wide, wide, wide, 0.8F * wide});
}

void add_bladder(Anatomy& body, Draw& draw) {
  const float fill = draw.uniform(0.7F, 1.25F);
  const Vec center{draw.normal(0, 3), -30, 78 + 30 * fill};
  body.scene.shape({.hu = kWater + draw.uniform(0, 10),
                    .label = kBladder,
                    .texture = 2,
                    .shell = 3,
                    .shell_hu = 35,
                    .blend = 20,
                    .wobble = 3});
  body.scene.ellipsoid(center, {42 * fill, 33 * fill, 29 * fill});
  body.scene.ellipsoid(center + Vec{0, -4, -14 * fill}, {26 * fill, 24 * fill, 20 * fill});
  body.scene.cut_ellipsoid(center + Vec{0, 20, 52 * fill}, {46, 46, 34});
}

}  // namespace

void add_pelvis(Anatomy& body) {
  Draw draw(body.subject.seed, Stream::kPelvis);
  const float vein = body.subject.enhancement.vein, artery = body.subject.enhancement.artery;
  add_rectum(body, draw);
  if (body.subject.female && draw.chance(0.85F)) {
    const float size = draw.factor(0.15F);
    body.scene.shape({.hu = 55 + 0.3F * (vein - kBlood), .texture = 8, .blend = 10, .wobble = 3});
    body.scene.ellipsoid({draw.normal(0, 5), 6, 138}, {25 * size, 20 * size, 26 * size}, rotation(-35, 0, 0));
    body.scene.ellipsoid({0, 22, 106}, {13, 12, 20});
  } else if (!body.subject.female) {
    const float size = draw.factor(0.15F);
    body.scene.shape({.hu = 48, .texture = 8, .wobble = 2});
    body.scene.ellipsoid({0, -8, 70}, {23 * size, 18 * size, 18 * size});
    for (const float side : kSides) {
      body.scene.shape({.hu = 25, .texture = 15, .rough = 1});
      body.scene.cone({side * 6, 18, 90}, 6, {side * 34, 26, 98}, 5);
    }
  }
  add_bladder(body, draw);
  for (const float side : kSides) {
    const auto at = [&](float x, float y, float z) { return Vec{side * x, y, z}; };
    body.scene.shape(vessel(artery));
    body.scene.tube(
        {at(6, -6, 250), at(28, 6, 212), at(48, -8, 170), at(66, -40, 128), at(72, -56, 90), at(80, -52, 20)},
        {6.5F, 6, 5, 5, 5, 4.5F});
    body.scene.tube({at(32, 10, 204), at(46, 34, 170), at(50, 48, 130)}, {4, 2.5F});
    body.scene.shape(vessel(0.5F * (vein + kBlood)));
    body.scene.tube(
        {at(-4, 6, 240), at(30, 18, 206), at(50, 4, 166), at(60, -32, 126), at(60, -50, 90), at(68, -46, 20)},
        {7.5F, 7, 6.5F, 6, 6, 5.5F});
    body.scene.tube({at(34, 20, 198), at(52, 40, 160), at(54, 54, 124)}, {4.5F, 3});
    if (!body.subject.female) {
      body.scene.shape({.hu = 40, .texture = 10});
      body.scene.tube({at(22, -86, 84), at(26, -100, 55), at(24, -96, 20)}, {4, 5, 9});
    }
  }
}

void add_pelvic_bones(Anatomy& body) {
  const float out = 0.7F * body.subject.hips;
  for (const float side : kSides) {
    add_hip_bone(body.scene, side, out);
    add_femur(body.scene, side, out);
  }
  body.scene.shape({.hu = kCartilage});
  body.scene.ellipsoid({0, -66, 82}, {5, 9, 18}, rotation(25, 0, 0));
}

}  // namespace medlsam::phantom
