#include <array>

#include "phantom/anatomy.hpp"

namespace medlsam::phantom {
namespace {

constexpr float kSides[] = {1, -1};
constexpr Vec kCarina{-2, 20, 568};

// Where the vessels and airways enter a lung.
Vec hilum(float side) {
  return side > 0 ? Vec{40, 24, 548} : Vec{-40, 22, 540};
}

// Branches from the hilum into the lung; each forks into two thinner ones.
void add_branches(Anatomy& body, Draw& draw, Vec from, Vec direction, float radius, int depth) {
  const float reach = (depth == 0 ? 26.F : 21.F) * draw.factor(0.2F);
  const Vec to = from + reach * direction;
  body.scene.cone(from, radius, to, 0.78F * radius);
  if (depth == 4) return;
  for (int child = 0; child < 2; ++child) {
    const Vec turn{draw.uniform(-0.8F, 0.8F), draw.uniform(-0.8F, 0.8F), draw.uniform(-0.8F, 0.8F)};
    const Vec next = direction + turn;
    add_branches(body, draw, to, (1 / length(next)) * next, 0.72F * radius, depth + 1);
  }
}

void add_nodules(Anatomy& body, Draw& draw) {
  const int count = draw.chance(0.25F) ? 1 + static_cast<int>(draw.bits() % 3) : 0;
  for (int i = 0; i < count; ++i) {
    const float side = kSides[draw.bits() % 2];
    body.scene.shape(
        {.hu = draw.uniform(10, 90), .label = kKeepLabel, .wobble = 1, .rough = 1, .in_cavity = true});
    body.scene.sphere({side * draw.uniform(60, 105), draw.uniform(-40, 60), draw.uniform(490, 620)},
                      draw.uniform(3, 11));
  }
}

void add_mediastinum(Anatomy& body) {
  Scene& scene = body.scene;
  scene.shape({.hu = -92, .texture = 14, .blend = 20, .wobble = 5, .in_cavity = true});
  scene.cone({0, 10, 660}, 26, {0, 2, 600}, 34);
  scene.cone({0, 2, 600}, 34, {4, 0, 540}, 36);
  scene.plate({0, -70, 590}, {0, -90, 480}, {0, 40, 540}, 5);
  scene.cone({0, 40, 640}, 20, {6, 40, 430}, 25);
  scene.ellipsoid({14, -36, 500}, {60, 50, 56}, rotation(0, 20, -25));
  scene.ellipsoid({34, -74, 458}, {30, 22, 16});  // next to the heart's apex
  scene.ellipsoid({-34, -74, 464}, {22, 20, 14});
}

}  // namespace

void add_lung_vessels(Anatomy& body) {
  Draw draw(body.subject.seed, Stream::kLungs);
  constexpr Vec kTowards[] = {{0.8F, -0.5F, 0.5F},
                              {0.6F, 0.3F, 0.8F},
                              {0.9F, -0.4F, -0.35F},
                              {0.55F, 0.25F, -0.85F},
                              {0.85F, 0.5F, -0.1F}};
  const float blood = 0.5F * (body.subject.enhancement.vein + kBlood) - 20;
  for (const float side : kSides) {
    for (const Vec towards : kTowards) {
      Paint paint = vessel(blood);
      paint.in_cavity = true;
      body.scene.shape(paint);
      const Vec jitter{0, draw.normal(0, 0.15F), draw.normal(0, 0.15F)};
      const Vec direction = mirrored(towards, side) + jitter;
      add_branches(body, draw, hilum(side), (1 / length(direction)) * direction, 5, 0);
    }
    // Fissures between the lobes.
    Paint fissure{.hu = -720, .label = kKeepLabel, .wobble = 5, .in_cavity = true};
    body.scene.shape(fissure);
    body.scene.plate({side * 12, 84, 600}, {side * 130, 70, 590}, {side * 80, -85, 455}, 0.5F);
  }
  add_nodules(body, draw);
  add_mediastinum(body);
}

void add_heart(Anatomy& body) {
  Draw draw(body.subject.seed, Stream::kChest);
  const Enhancement& hu = body.subject.enhancement;
  Scene& scene = body.scene;
  const float size = draw.factor(0.07F);
  const Vec center{16 + draw.normal(0, 3), -36, 500 + 0.5F * body.subject.breath};
  const Rotation turn = rotation(0, 28, -35);  // the long axis runs to the left, the front and the feet
  const auto at = [&](float x, float y, float z) { return center + size * turn({x, y, z}); };
  const auto part = [&](float value, Vec place, Vec radii) {
    scene.shape({.hu = value, .label = kHeart, .texture = 4, .wobble = 1.5F});
    scene.ellipsoid(place, size * radii, turn);
  };
  scene.shape({.hu = hu.myocardium, .label = kHeart, .texture = 4, .blend = 16, .wobble = 2});
  scene.ellipsoid(at(12, 0, -3), size * Vec{54, 40, 41}, turn);
  scene.ellipsoid(at(-30, 14, 8), size * Vec{30, 34, 36}, turn);
  scene.ellipsoid(at(-26, -14, -4), size * Vec{26, 26, 34}, turn);
  part(hu.artery, at(22, 10, 4), {32, 18, 19});                            // left ventricle
  part(0.6F * hu.vein + 0.4F * hu.artery, at(12, -22, -8), {36, 12, 24});  // right ventricle
  part(hu.artery, at(-28, 28, 16), {20, 17, 22});                          // left atrium
  part(0.7F * hu.vein + 0.3F * hu.artery, at(-40, -6, -4), {17, 22, 27});  // right atrium
  scene.shape({.hu = -60, .label = kKeepLabel, .texture = 15});            // fat around the coronary arteries
  scene.tube({at(-12, -36, 18), at(-14, -34, -16), at(-10, -8, -38)}, {4, 3});
  if (draw.chance(0.3F)) {
    scene.shape({.hu = 750, .label = kKeepLabel});
    scene.cone(at(-6, -20, 32), 1.4F, at(8, -24, 32), 1.2F);
  }
}

void add_great_vessels(Anatomy& body) {
  Draw draw(body.subject.seed, Stream::kChest);
  const Enhancement& hu = body.subject.enhancement;
  Scene& scene = body.scene;
  const float wide = draw.factor(0.1F);
  const float mixed = 0.6F * hu.vein + 0.4F * hu.artery;
  // Trunk and right branch of the pulmonary artery, then the veins to the right atrium.
  scene.shape({.hu = mixed, .blend = 5});
  scene.tube({{18, -44, 528}, {20, -36, 552}, {26, -8, 558}, {44, 18, 552}}, {14, 14, 13, 9});
  scene.tube({{20, -26, 555}, {-4, -4, 552}, {-38, 10, 546}}, {12, 11, 8});
  scene.shape({.hu = hu.vein});
  scene.tube({{-26, -28, 616}, {-28, -26, 580}, {-30, -22, 540}, {-28, -20, 505}}, {8, 9, 9.5F});
  scene.tube({{34, -38, 628}, {10, -44, 618}, {-26, -30, 612}}, {6, 6.5F, 7});
  const auto front = [](float z) { return spine_y(z) - 18; };
  scene.tube({{-14, front(255) - 6, 246},
              {-22, front(300) - 8, 300},
              {-24, front(360) - 8, 360},
              {-24, -2, 410},
              {-24, -10, 445},
              {-25, -18, 478}},
             {9, 10, 11, 12, 12, 12});
  // Branches of the arch to neck and arms.
  scene.shape({.hu = hu.artery});
  scene.tube({{-8, -20, 592}, {-20, -18, 622}, {-26, -2, 655}, {-27, 0, 700}, {-28, 4, 745}},
             {6.5F, 6, 4, 3.5F, 3});
  scene.tube({{6, -8, 596}, {18, -4, 630}, {25, -2, 665}, {27, 0, 700}, {28, 4, 745}},
             {4.5F, 4, 3.5F, 3.5F, 3});
  scene.tube({{20, 12, 596}, {34, 12, 636}, {70, 4, 648}, {120, 8, 618}}, {5.5F, 5, 4.5F, 4});
  scene.tube({{-20, -16, 622}, {-40, 2, 645}, {-80, 4, 646}, {-120, 8, 618}}, {5.5F, 5, 4.5F, 4});
  const std::array<Vec, 14> line = {{{8, -24, 515},
                                     {-8, -36, 535},
                                     {-17, -34, 558},
                                     {-12, -22, 584},
                                     {6, -4, 598},
                                     {22, 16, 592},
                                     {26, 32, 570},
                                     {25, 34, 530},
                                     {22, 30, 480},
                                     {16, front(440) - 2, 440},
                                     {9, front(400) - 9, 400},
                                     {5, front(350) - 10, 350},
                                     {4, front(300) - 10, 300},
                                     {2, front(252) - 9, 250}}};
  const std::array<float, 14> radii = {15 * wide,    16 * wide,    16 * wide, 15 * wide,    13.5F * wide,
                                       13 * wide,    12.5F * wide, 12 * wide, 11.5F * wide, 11 * wide,
                                       10.5F * wide, 9.5F * wide,  9 * wide,  8.5F * wide};
  scene.shape({.hu = hu.artery, .label = kAorta, .shell = 1.3F, .shell_hu = 48});
  scene.tube(line, radii, 3);
  const int plaques = draw.chance(0.4F) ? 4 + static_cast<int>(draw.bits() % 12) : 0;
  for (int i = 0; i < plaques; ++i) {
    const std::size_t place = 3 + draw.bits() % 11;
    scene.shape({.hu = draw.uniform(400, 900), .label = kAorta});
    const float angle = draw.uniform(0, 6.28F), radius = radii[place] - 1;
    scene.ellipsoid(line[place] + Vec{radius * std::cos(angle), radius * std::sin(angle), draw.normal(0, 6)},
                    {2, 2, 3.5F});
  }
}

void add_airways(Anatomy& body) {
  Scene& scene = body.scene;
  Draw draw(body.subject.seed, Stream::kLungs);
  const float wide = draw.factor(0.1F);
  scene.shape({.hu = draw.chance(0.4F) ? -300.F : 20.F, .shell = 3, .shell_hu = 42});
  scene.tube(
      {{2, 12, 668}, {4, 17, 640}, {6, 28, 600}, {6, 30, 560}, {8, 26, 510}, {14, 16, 455}, {22, -2, 440}},
      {7, 7, 7.5F, 7.5F, 8, 8});
  scene.shape({.hu = kAir + 10, .label = kKeepLabel, .shell = 1.5F, .shell_hu = -50});
  for (const float side : kSides) {
    const Vec end = hilum(side);
    scene.tube(
        {kCarina + Vec{0, 0, 6}, lerp(kCarina, end, 0.6F) + Vec{0, 2, 3}, end, end + Vec{side * 18, 12, -34}},
        {8.5F * wide, 7.5F * wide, 6.5F * wide, 4});
    scene.cone(end, 5, end + Vec{side * 20, -8, 22}, 3.5F);
    scene.cone(end + Vec{side * 8, 6, -16}, 4.5F, end + Vec{side * 26, -18, -40}, 3);
  }
  const auto windpipe = [&](float radius) {
    scene.tube({{0, -16, 676}, {0, -8, 650}, {-1, 5, 610}, kCarina}, {radius, radius});
  };
  scene.shape({.hu = 35});
  windpipe(9.5F * wide + 1.8F);
  scene.shape({.hu = kAir + 5, .label = kTrachea});
  windpipe(9.5F * wide);
}

}  // namespace medlsam::phantom
