#include <array>

#include "phantom/anatomy.hpp"

namespace medlsam::phantom {
namespace {

constexpr float kSides[] = {1, -1};
constexpr Vec kCerebrum{0, -2, 836}, kCerebrumRadii{65, 82, 56};
constexpr Vec kCerebellum{0, 46, 786}, kCerebellumRadii{48, 34, 25};

Vec grown(Vec radii, float by) {
  return radii + Vec{by, by, by};
}

void add_orbit(Anatomy& body, Draw& draw, float side) {
  Scene& scene = body.scene;
  const auto at = [&](float x, float y, float z) { return Vec{side * x, y, z}; };
  scene.shape(bone(1.5F, 250));
  scene.ellipsoid(at(33, -68, 798), {25, 30, 23});
  scene.shape({.hu = kFat + 10, .texture = 12, .blend = 8});
  scene.ellipsoid(at(33, -76, 797), {18.5F, 22, 17});
  scene.cone(at(31, -62, 797), 14, at(18, -34, 798), 4);
  const Paint muscle{.hu = 45};
  const std::array<Vec, 4> globe = {{{11.5F, 0, 0}, {-11.5F, 0, 0}, {0, 0, 11.5F}, {0, 0, -11.5F}}};
  for (const Vec beside : globe) {
    scene.shape(muscle);
    scene.cone(at(33 + beside.x, -76, 797 + beside.z), 1.8F, at(19, -38, 798), 2);
  }
  scene.shape({.hu = 30});
  scene.tube({at(32, -68, 797), at(26, -52, 797), at(17, -34, 799)}, {2.2F, 2.2F});
  const Vec eye = at(33, -83, 797) + Vec{draw.normal(0, 0.7F), draw.normal(0, 1), draw.normal(0, 0.7F)};
  const std::uint8_t label = on_side(kEyeLeft, side);
  scene.shape({.hu = 12, .label = label, .shell = 1.3F, .shell_hu = 55});
  scene.sphere(eye, 12.3F);
  scene.shape({.hu = 90, .label = label});
  scene.ellipsoid(eye + Vec{0, -8, 0}, {4.5F, 2.2F, 4.5F});
}

void add_teeth(Anatomy& body) {
  for (int i = -7; i <= 7; ++i) {
    const float angle = static_cast<float>(i) * 0.19F;
    const Vec at{27 * std::sin(angle), -58 - 27 * std::cos(angle) + 8 * std::fabs(angle), 0};
    body.scene.shape({.hu = 1500, .shell = 1.2F, .shell_hu = 2300});
    body.scene.ellipsoid(at + Vec{0, 0, 744}, {4, 4, 9});
    body.scene.shape({.hu = 1500, .shell = 1.2F, .shell_hu = 2300});
    body.scene.ellipsoid(at + Vec{0, 1, 725}, {3.6F, 3.8F, 9});
  }
}

void add_mandible(Anatomy& body) {
  Paint paint = bone(2.2F, 320);
  paint.label = kMandible;
  paint.shell_hu = 1250;
  body.scene.shape(paint);
  const std::array<Vec, 7> arch = {{{-47, -20, 718},
                                    {-40, -46, 713},
                                    {-24, -76, 710},
                                    {0, -88, 709},
                                    {24, -76, 710},
                                    {40, -46, 713},
                                    {47, -20, 718}}};
  const std::array<float, 7> radii = {7, 7, 8, 9, 8, 7, 7};
  body.scene.tube(arch, radii, 3);
  for (const float side : kSides) {
    const auto at = [&](float x, float y, float z) { return Vec{side * x, y, z}; };
    body.scene.plate(at(47, -14, 716), at(50, -8, 762), at(48, -36, 740), 4);
    body.scene.plate(at(47, -14, 716), at(48, -36, 740), at(44, -40, 716), 4);
    body.scene.cone(at(50, -10, 755), 5, at(51, -6, 772), 6.5F);
    body.scene.cone(at(48, -34, 742), 3.5F, at(48, -36, 764), 3);
  }
}

void add_salivary_glands(Anatomy& body, Draw& draw) {
  const float hu = 0.55F * body.subject.enhancement.pancreas - draw.uniform(5, 40), size = draw.factor(0.1F);
  for (const float side : kSides) {
    const Vec center = Vec{side * 60, 2, 744} + Vec{draw.normal(0, 1), draw.normal(0, 2), draw.normal(0, 3)};
    body.scene.shape(
        {.hu = hu, .label = on_side(kParotidLeft, side), .texture = 28, .blend = 8, .rough = 1.5F});
    body.scene.ellipsoid(center, size * Vec{11, 18, 25}, rotation(0, side * 8, side * 12));
    body.scene.ellipsoid(center + Vec{-side * 7, 4, 0}, size * Vec{12, 10, 16});
    body.scene.shape({.hu = hu + 25, .texture = 15, .rough = 1});
    body.scene.ellipsoid({side * 34, -34, 703}, {9, 15, 11});
  }
}

}  // namespace

void add_skull(Anatomy& body) {
  Scene& scene = body.scene;
  Draw draw(body.subject.seed, Stream::kHead);
  const float thick = draw.uniform(5.5F, 8);
  const Paint inner{.hu = 480, .texture = 120, .shell = 1.8F, .shell_hu = 1250, .blend = 10};
  scene.shape(inner);
  scene.ellipsoid(kCerebrum, grown(kCerebrumRadii, thick));
  scene.ellipsoid(kCerebellum, grown(kCerebellumRadii, thick - 1));
  scene.ellipsoid({0, 26, 778}, {30, 30, 16});
  // The base: petrous bones with their air cells, the sphenoid and its sinus.
  for (const float side : kSides) {
    const auto at = [&](float x, float y, float z) { return Vec{side * x, y, z}; };
    scene.shape(bone(2, 700));
    scene.cone(at(62, 24, 778), 15, at(16, 4, 784), 8);
    scene.cone(at(62, 26, 772), 11, at(60, 24, 756), 6);
    scene.shape({.hu = -350, .texture = 600, .rough = 2});
    scene.ellipsoid(at(62, 27, 772), {8, 10, 12});
    scene.shape({.hu = -900});
    scene.cone(at(80, 6, 782), 3.5F, at(52, 8, 783), 3.5F);
    scene.shape(bone(1.6F));
    scene.tube({at(64, 4, 778), at(68, -24, 780), at(60, -54, 780), at(42, -72, 782)}, {4, 3.5F, 5, 7});
    scene.plate(at(36, -40, 796), at(68, -30, 830), at(60, -6, 785), 3);
  }
  scene.shape(bone(1.8F, 350));
  scene.ellipsoid({0, -14, 786}, {26, 28, 14});
}

void add_face(Anatomy& body) {
  Scene& scene = body.scene;
  Draw draw(body.subject.seed, Stream::kHead);
  const float muscle = body.subject.enhancement.muscle;
  // Tongue and masticatory muscles, in the fat of the cheeks.
  scene.shape({.hu = muscle, .texture = 14, .wobble = 2});
  scene.ellipsoid({0, -52, 720}, {25, 34, 20});
  for (const float side : kSides) {
    const auto at = [&](float x, float y, float z) { return Vec{side * x, y, z}; };
    scene.shape({.hu = muscle, .texture = 8});
    scene.plate(at(57, -18, 720), at(56, -22, 764), at(54, -40, 738), 5);
    scene.shape({.hu = muscle, .texture = 8});
    scene.plate(at(72, -20, 838), at(66, -10, 780), at(68, -44, 790), 4);
    scene.shape({.hu = muscle, .texture = 8});
    scene.ellipsoid(at(38, -22, 752), {7, 12, 20});
  }
  scene.shape(bone(1.4F, 300));
  scene.ellipsoid({0, -60, 757}, {32, 30, 15});
  for (const float side : kSides) scene.ellipsoid({side * 28, -60, 768}, {20, 24, 20});
  scene.cone({0, -90, 800}, 7, {0, -103, 783}, 4);
  for (const float side : kSides) add_orbit(body, draw, side);
  scene.shape(bone(1.2F, 200));
  scene.ellipsoid({0, -64, 793}, {13, 30, 14});
  const float cavity = draw.chance(0.15F) ? 30.F : -960.F;  // a sinus filled by inflammation
  for (const float side : kSides) {
    scene.shape({.hu = side > 0 ? cavity : -970, .wobble = 1.5F});
    scene.ellipsoid({side * 29, -60, 768}, {14, 19, 16});
  }
  scene.shape({.hu = -750, .texture = 500});
  scene.ellipsoid({0, -62, 793}, {10, 26, 11});
  scene.shape({.hu = -960});
  scene.ellipsoid({0, -14, 788}, {13, 13, 9});
  for (const float side : kSides) scene.ellipsoid({side * 11, -89, 818}, {10, 4, 9});
  scene.shape({.hu = -950, .blend = 6});
  scene.ellipsoid({0, -66, 769}, {12, 36, 15});
  scene.tube({{0, -40, 766}, {0, -20, 757}, {0, -14, 735}, {0, -20, 705}, {0, -20, 680}}, {10, 8, 8, 9, 8});
  const Paint septum{.hu = 110};
  scene.shape(septum);
  scene.plate({0, -96, 760}, {0, -40, 760}, {0, -70, 786}, 0.9F);
  for (const float side : kSides) {
    scene.shape({.hu = 50});
    scene.cone({side * 6, -85, 764}, 3, {side * 6, -48, 764}, 2.6F);
    scene.cone({side * 5.5F, -76, 773}, 2, {side * 5.5F, -50, 773}, 2);
  }
  add_salivary_glands(body, draw);
  add_mandible(body);
  add_teeth(body);
}

void add_brain(Anatomy& body) {
  Scene& scene = body.scene;
  Draw draw(body.subject.seed, Stream::kHead);
  const float shrunken = draw.uniform(0, 1), wide = 1 + 0.6F * shrunken;
  scene.shape({.hu = kWater + 8, .label = kBrain, .blend = 6});
  scene.ellipsoid(kCerebrum, kCerebrumRadii);
  scene.ellipsoid(kCerebellum, kCerebellumRadii);
  scene.tube({{0, 12, 806}, {0, 14, 790}, {0, 19, 776}}, {15, 13, 9});
  scene.shape({.hu = 29,
               .label = kBrain,
               .texture = 2,
               .shell = 5,
               .shell_hu = 39,
               .wobble = 1,
               .rough = 2.2F + 2 * shrunken});
  scene.ellipsoid(kCerebrum, grown(kCerebrumRadii, -2 - 2 * shrunken));
  scene.shape({.hu = 37, .label = kBrain, .texture = 5, .shell = 3, .shell_hu = 40, .rough = 1});
  scene.ellipsoid(kCerebellum, grown(kCerebellumRadii, -1.5F));
  scene.tube({{0, 12, 806}, {0, 14, 790}, {0, 20, 772}}, {14, 12, 7});
  for (const float side : kSides) {
    const auto at = [&](float x, float y, float z) { return Vec{side * x, y, z}; };
    scene.shape({.hu = 41, .label = kBrain});
    scene.ellipsoid(at(16, -4, 832), {9, 17, 11});
    scene.shape({.hu = kWater + 3, .label = kBrain, .blend = 4});
    scene.tube({at(8, -34, 838), at(7, -10, 850), at(10, 20, 848), at(20, 38, 836), at(24, 52, 834)},
               {4 * wide, 5 * wide, 5 * wide, 5 * wide, 3 * wide});
    scene.tube({at(22, 36, 832), at(32, 16, 818), at(32, -6, 814)}, {4 * wide, 3 * wide});
  }
  scene.shape({.hu = kWater + 5, .label = kBrain});
  scene.plate({0, -8, 838}, {0, 8, 830}, {0, 0, 818}, 1.5F * wide);
  scene.ellipsoid({0, 30, 788}, {6, 4, 8});
  scene.shape({.hu = 62, .label = kBrain});
  scene.plate({0, -78, 850}, {0, 76, 850}, {0, 0, 889}, 0.8F);
  scene.plate({0, 76, 850}, {0, 76, 820}, {0, 10, 884}, 0.8F);
  scene.shape({.hu = 0.5F * body.subject.enhancement.vein + 35, .label = kBrain});
  scene.tube({{0, -60, 873}, {0, 0, 889}, {0, 60, 872}, {0, 79, 830}}, {3, 3});
}

void add_neck(Anatomy& body) {
  Scene& scene = body.scene;
  const Enhancement& hu = body.subject.enhancement;
  for (const float side : kSides) {
    const auto at = [&](float x, float y, float z) { return Vec{side * x, y, z}; };
    scene.shape({.hu = kFat, .texture = 10, .wobble = 2});
    scene.tube({at(38, 10, 640), at(38, 14, 690), at(42, 16, 735)}, {9, 8, 6});
    scene.plate(at(20, 50, 735), at(46, 52, 680), at(16, 60, 660), 1.3F);
    scene.shape({.hu = hu.muscle, .texture = 8});
    scene.tube({at(16, -48, 628), at(36, -36, 665), at(50, -6, 710), at(60, 22, 756)}, {8, 10, 10, 9});
    scene.shape({.hu = hu.vein});
    scene.tube({at(30, -18, 632), at(38, -12, 670), at(40, 0, 715), at(42, 10, 760)}, {7, 6.5F, 5, 4});
    scene.shape({.hu = hu.artery});
    scene.tube({at(27, -4, 655), at(28, -4, 700), at(32, 4, 750)}, {3.8F, 3.6F, 3});
    scene.shape({.hu = hu.gland, .texture = 12, .rough = 1});
    scene.ellipsoid(at(17, -14, 656), {8, 10, 24}, rotation(0, side * 8, 0));
    scene.shape({.hu = 90, .shell = 1, .shell_hu = 230});
    scene.plate(at(2, -42, 694), at(2, -38, 676), at(22, -12, 690), 1.8F);
    scene.shape(bone(1, 300));
    scene.tube({at(0, -48, 706), at(14, -42, 707), at(24, -22, 709)}, {4, 3});
  }
  scene.shape({.hu = hu.gland, .texture = 12});
  scene.cone({-14, -26, 650}, 4, {14, -26, 650}, 4);
}

}  // namespace medlsam::phantom
