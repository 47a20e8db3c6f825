#include "phantom/anatomy.hpp"

namespace medlsam::phantom {
namespace {

constexpr float kSides[] = {1, -1};

Vec shifted(Draw& draw, Vec mean, float deviation) {
  return mean + Vec{draw.normal(0, deviation), draw.normal(0, deviation), draw.normal(0, deviation)};
}

void add_kidney(Anatomy& body, float side, Draw& draw) {
  const Enhancement& hu = body.subject.enhancement;
  const bool present = body.subject.present[on_side(kKidneyLeft, side)];
  // Drawn even if the kidney is absent, so that the rest of the patient does not change.
  const Vec center =
      shifted(draw, {side * 61, 46, side > 0 ? 356.F : 343.F}, 4) + Vec{0, 0, 0.5F * body.subject.breath};
  const float size = draw.factor(0.08F);
  const bool cyst = draw.chance(0.2F);
  const Vec cyst_at{side * draw.uniform(10, 26), draw.uniform(-14, 14), draw.uniform(-40, 40)};
  const float cyst_radius = draw.uniform(6, 18);
  const Rotation turn = rotation(-10, side * 14, side * 35);
  body.scene.shape({.hu = kFat, .texture = 8, .wobble = 3, .in_cavity = true});
  body.scene.ellipsoid(center, size * Vec{32, 29, 56}, turn);
  if (!present) return;
  const std::uint8_t label = on_side(kKidneyLeft, side);
  const auto at = [&](Vec offset) { return center + size * turn(mirrored(offset, side)); };
  body.scene.shape({.hu = hu.kidney_medulla,
                    .label = label,
                    .texture = 5,
                    .shell = 7,
                    .shell_hu = hu.kidney_cortex,
                    .blend = 14,
                    .wobble = 1.5F});
  body.scene.ellipsoid(center, size * Vec{26, 23, 50}, turn);
  body.scene.ellipsoid(at({3, 0, 18}), size * Vec{25, 23, 34}, turn);
  body.scene.ellipsoid(at({3, 0, -18}), size * Vec{25, 23, 34}, turn);
  body.scene.cut_ellipsoid(at({-29, -3, 0}), size * Vec{17, 12, 20}, turn);
  body.scene.shape({.hu = -70, .label = label, .texture = 25, .rough = 2});
  body.scene.ellipsoid(at({-8, 0, 0}), size * Vec{10, 7, 24}, turn);
  body.scene.shape({.hu = 8});
  body.scene.tube({at({-14, 4, -2}),
                   at({-26, 6, -16}),
                   {side * 36, 26, 290},
                   {side * 40, 20, 235},
                   {side * 52, 20, 150},
                   {side * 20, 10, 105}},
                  {5, 5, 2, 2, 2, 2});
  body.scene.shape(vessel(hu.artery));
  body.scene.tube({{side * 8, spine_y(345) - 26, 348}, {side * 26, 16, 350}, at({-16, -2, 4})}, {3, 2.5F});
  body.scene.shape(vessel(hu.vein));
  body.scene.tube({{side > 0 ? 0.F : -24.F, spine_y(345) - 34, 346}, {side * 28, 6, 348}, at({-16, -6, 0})},
                  {4, 4.5F});
  if (!cyst) return;
  body.scene.shape({.hu = 6, .label = label});
  body.scene.sphere(center + cyst_at, cyst_radius);
}

void add_adrenal(Anatomy& body, float side) {
  const auto at = [&](float x, float y, float z) { return Vec{side * x, y, z}; };
  const float up = side > 0 ? 0.F : -4.F;
  body.scene.shape({.hu = 0.5F * body.subject.enhancement.pancreas + 10, .texture = 8});
  body.scene.plate(at(38, 26, 402 + up), at(46, 46, 392 + up), at(42, 34, 378 + up), 1.8F);
  body.scene.plate(at(38, 26, 402 + up), at(32, 48, 392 + up), at(42, 34, 378 + up), 1.8F);
}

void add_spleen(Anatomy& body, Draw& draw) {
  const Vec center = shifted(draw, {92, 40, 408}, 4) + Vec{0, 0, 0.7F * body.subject.breath};
  const float size = draw.factor(0.12F);
  if (!body.subject.present[kSpleen]) return;
  const float spots = body.subject.phase == Phase::kArterial ? 35.F : 4.F;
  const Rotation turn = rotation(18, -12, 28);
  body.scene.shape({.hu = body.subject.enhancement.spleen,
                    .label = kSpleen,
                    .texture = spots,
                    .wobble = 2.5F,
                    .in_cavity = true,
                    .under_diaphragm = true});
  body.scene.ellipsoid(center, size * Vec{34, 55, 57}, turn);
  body.scene.cut_ellipsoid(center + size * Vec{-50, -20, -4}, size * Vec{36, 44, 48}, turn);
}

void add_stomach(Anatomy& body, Draw& draw) {
  const float full = draw.uniform(0.72F, 1.15F);
  const float content[] = {8, 45, 260};
  const float hu = content[draw.pick({0.5F, 0.3F, 0.2F})];
  const Vec shift = shifted(draw, {0, 0, 0.6F * body.subject.breath}, 4);
  body.scene.shape({.hu = hu,
                    .label = kStomach,
                    .texture = draw.uniform(2, 60),
                    .shell = 4,
                    .shell_hu = body.subject.enhancement.mucosa,
                    .gas_before = draw.chance(0.75F) ? draw.uniform(-45, -5) : kNoGas,
                    .wobble = 3,
                    .rough = 1,
                    .in_cavity = true,
                    .under_diaphragm = true});
  const Vec line[] = {shift + Vec{58, 22, 430},  shift + Vec{66, 4, 410},  shift + Vec{58, -28, 382},
                      shift + Vec{36, -52, 358}, shift + Vec{6, -54, 350}, shift + Vec{-22, -44, 356}};
  const float radii[] = {32 * full, 34 * full, 27 * full, 21 * full, 17 * full, 10};
  body.scene.tube(line, radii, 3);
}

void add_pancreas(Anatomy& body, Draw& draw) {
  const float lobules = draw.uniform(1, 3.5F), size = draw.factor(0.12F);
  body.scene.shape({.hu = 20,
                    .texture = 50,
                    .shell = 3,
                    .shell_hu = body.subject.enhancement.mucosa,
                    .wobble = 2});  // duodenum
  body.scene.tube({{-22, -42, 354},
                   {-40, -26, 350},
                   {-46, -14, 325},
                   {-40, -10, 302},
                   {-12, -16, 296},
                   {22, -22, 304},
                   {36, -36, 322}},
                  {12, 12, 13, 12, 12});
  const Vec shift = shifted(draw, {0, 0, 0.4F * body.subject.breath}, 3);
  body.scene.shape({.hu = body.subject.enhancement.pancreas,
                    .label = kPancreas,
                    .texture = 18,
                    .wobble = 1.5F,
                    .rough = lobules});
  const Vec line[] = {shift + Vec{-24, -14, 324}, shift + Vec{-20, -22, 342}, shift + Vec{2, -32, 356},
                      shift + Vec{30, -20, 366},  shift + Vec{58, 6, 378},    shift + Vec{78, 22, 388}};
  const float radii[] = {14 * size, 15 * size, 10.5F * size, 11 * size, 11 * size, 9 * size};
  body.scene.tube(line, radii, 3);
}

void add_liver(Anatomy& body, Draw& draw) {
  const Enhancement& hu = body.subject.enhancement;
  const float size = draw.factor(0.06F), left = draw.factor(0.15F);
  const Vec shift = shifted(draw, {0, 0, 0.8F * body.subject.breath}, 3);
  body.scene.shape({.hu = hu.liver,
                    .label = kLiver,
                    .texture = 4,
                    .blend = 24,
                    .wobble = 3,
                    .in_cavity = true,
                    .under_diaphragm = true});
  body.scene.ellipsoid(shift + Vec{-70, 4, 412}, size * Vec{66, 80, 66});
  body.scene.ellipsoid(shift + Vec{-82, 12, 366}, size * Vec{40, 56, 56}, rotation(0, -8, 0));
  body.scene.ellipsoid(shift + Vec{-8, -46, 420}, {62 * left, 40, 34 * left}, rotation(0, 10, 0));
  body.scene.cut_ellipsoid(shift + Vec{0, 34, 345}, {44, 66, 56}, rotation(0, -15, 0));
  // Veins to the IVC, the portal vein and its branches.
  const auto tree = [&](float value, Vec from, std::initializer_list<Vec> ends, float radius) {
    Paint paint = vessel(value);
    paint.in_cavity = paint.under_diaphragm = true;
    body.scene.shape(paint);
    for (const Vec end : ends) {
      const Vec middle = lerp(from, end, 0.5F) + Vec{draw.normal(0, 5), draw.normal(0, 5), draw.normal(0, 5)};
      body.scene.tube({shift + from, shift + middle, shift + end}, {radius, 0.4F * radius}, 3);
    }
  };
  tree(0.6F * hu.vein + 0.4F * hu.liver, {-26, 2, 436},
       {{-108, 14, 402}, {-78, -42, 408}, {2, -50, 422}, {-90, 40, 420}}, 6);
  tree(hu.portal, {-34, -12, 388},
       {{-104, -18, 386}, {-96, 34, 382}, {-88, -10, 428}, {-14, -46, 412}, {30, -54, 420}}, 6);
  const int lesions = draw.chance(0.3F) ? 1 + static_cast<int>(draw.bits() % 5) : 0;
  for (int i = 0; i < lesions; ++i) {
    body.scene.shape({.hu = draw.chance(0.5F) ? 5 : hu.liver - 35,
                      .label = kKeepLabel,
                      .rough = 1,
                      .in_cavity = true,
                      .under_diaphragm = true});
    body.scene.sphere({draw.uniform(-105, -45), draw.uniform(-40, 50), draw.uniform(380, 435)},
                      draw.uniform(4, 17));
  }
}

void add_gallbladder(Anatomy& body, Draw& draw) {
  const float size = draw.factor(0.13F);
  const Vec center = shifted(draw, {-46, -46, 352}, 4) + Vec{0, 0, 0.7F * body.subject.breath};
  const bool stones = draw.chance(0.15F);
  if (!body.subject.present[kGallbladder]) return;
  const Rotation turn = rotation(-38, 12, 0);
  body.scene.shape(
      {.hu = draw.uniform(2, 18), .label = kGallbladder, .shell = 1.5F, .shell_hu = 35, .blend = 8});
  body.scene.ellipsoid(center, size * Vec{14, 14, 26}, turn);
  body.scene.ellipsoid(center + size * turn({0, 0, -12}), size * Vec{16, 16, 17}, turn);
  if (!stones) return;
  for (int i = 0; i < 3; ++i) {
    body.scene.shape({.hu = 240, .label = kGallbladder});
    body.scene.sphere(center + Vec{draw.normal(0, 4), 7, -12 + draw.normal(0, 5)}, draw.uniform(2, 4));
  }
}

void add_portal_vessels(Anatomy& body) {
  const Enhancement& hu = body.subject.enhancement;
  body.scene.shape(vessel(hu.portal));
  body.scene.tube({{-14, -36, 250}, {-10, -34, 310}, {-8, -20, 350}, {-18, -12, 372}, {-34, -12, 390}},
                  {4, 5.5F, 6.5F, 7});
  if (body.subject.present[kSpleen]) {
    body.scene.tube({{-8, -20, 352}, {30, -10, 366}, {62, 16, 380}, {84, 34, 402}}, {5.5F, 4});
  }
  body.scene.shape(vessel(hu.artery));
  body.scene.tube({{4, -12, 372}, {4, -28, 358}, {2, -34, 310}, {-8, -36, 250}}, {4, 4, 3.5F, 2.5F});
  body.scene.tube({{4, -12, 384}, {4, -24, 390}, {-18, -22, 384}, {-34, -18, 390}}, {4, 4, 3, 2.5F});
}

}  // namespace

void add_abdomen(Anatomy& body) {
  Draw draw(body.subject.seed, Stream::kAbdomen);
  add_stomach(body, draw);
  add_spleen(body, draw);
  add_liver(body, draw);
  for (const float side : kSides) {
    add_kidney(body, side, draw);
    add_adrenal(body, side);
  }
  add_pancreas(body, draw);
  add_gallbladder(body, draw);
  add_portal_vessels(body);
}

}  // namespace medlsam::phantom
