// Muscles along the spine and in the pelvis, the bones of the chest.
#include "phantom/anatomy.hpp"

namespace medlsam::phantom {
namespace {

constexpr float kSides[] = {1, -1};

struct Rib {
  float z;      // where it leaves the spine
  float drop;   // mm it descends on its way to the front
  float end;    // degrees from the front where the bone ends
  float joins;  // z at the sternum where its cartilage arrives; 0 for none
};

constexpr Rib kRibs[12] = {
    {655, 46, 22, 604}, {634, 58, 26, 588}, {612, 72, 30, 568},  {589, 84, 32, 548},
    {566, 92, 36, 528}, {542, 97, 40, 510}, {518, 100, 44, 494}, {494, 100, 48, 482},
    {469, 96, 52, 474}, {444, 88, 58, 466}, {418, 62, 88, 0},    {394, 34, 116, 0},
};

void add_rib(Anatomy& body, const Rib& rib, float side) {
  constexpr int kPoints = 9;
  constexpr float kStart = 163, kOutward = 5;
  const Outline& wall = body.outlines.cavity;
  std::vector<Vec> points = {{side * 20, spine_y(rib.z) + 14, rib.z + 3}};
  for (int i = 0; i < kPoints; ++i) {
    const float t = static_cast<float>(i) / (kPoints - 1);
    const float degrees = kStart + t * (rib.end - kStart);
    const float z = rib.z - rib.drop * (0.25F * t + 0.75F * t * t * (3 - 2 * t));
    points.push_back(mirrored(wall.surface(z, degrees, kOutward), side));
  }
  constexpr float kRadii[] = {4.5F, 5.5F};
  body.scene.shape({.hu = 180, .texture = 70, .shell = 1.3F, .shell_hu = 720});
  body.scene.tube(points, kRadii, 2);
  if (rib.joins == 0) return;
  const Vec last = points.back();
  const Vec at_sternum = mirrored(wall.surface(rib.joins, 11, kOutward), side);
  const Vec between =
      mirrored(wall.surface(0.35F * last.z + 0.65F * rib.joins, 11 + 0.45F * (rib.end - 11), kOutward), side);
  body.scene.shape({.hu = kCartilage, .texture = 25});
  body.scene.tube({last, between, at_sternum}, {5, 5}, 3);
}

void add_sternum(Anatomy& body) {
  const auto front = [&](float z) { return body.outlines.cavity.surface(z, 0, 7); };
  body.scene.shape({.hu = 130, .texture = 60, .shell = 1.3F, .shell_hu = 560, .blend = 4});
  const Vec top = front(612), neck = front(578), low = front(490);
  body.scene.plate(top + Vec{-22, 0, 0}, top + Vec{22, 0, 0}, neck + Vec{0, 0, -4}, 5);
  for (float z = 575; z > 490; z -= 14) {
    const Vec at = front(z), next = front(z - 14);
    const float half = 9 + 5 * smooth_step(575, 510, z);
    body.scene.plate(at + Vec{-half, 0, 0}, at + Vec{half, 0, 0}, next + Vec{half, 0, 0}, 4.5F);
    body.scene.plate(at + Vec{-half, 0, 0}, next + Vec{-half, 0, 0}, next + Vec{half, 0, 0}, 4.5F);
  }
  body.scene.shape({.hu = kCartilage, .texture = 20});
  body.scene.cone(low, 6, front(466), 4);
}

}  // namespace

void add_muscles(Anatomy& body) {
  Scene& scene = body.scene;
  Draw draw(body.subject.seed, Stream::kSkeleton);
  const float size = draw.factor(0.1F) * (body.subject.female ? 0.92F : 1.06F);
  const Paint muscle{.hu = body.subject.enhancement.muscle, .texture = 10, .wobble = 2, .rough = 1};
  for (const float side : kSides) {
    const auto at = [&](float x, float y, float z) { return Vec{side * x, y, z}; };
    scene.shape(muscle);  // psoas, then with the iliac muscle to the thigh
    scene.tube({at(24, 36, 388), at(32, 34, 330), at(42, 28, 280), at(52, 14, 230), at(66, -18, 170),
                at(84, -42, 118), at(94, -22, 60)},
               {7 * size, 15 * size, 20 * size, 21 * size, 19 * size, 17 * size, 12 * size});
    scene.shape(muscle);  // quadratus lumborum
    scene.plate(at(62, 66, 372), at(82, 64, 258), at(68, 66, 300), 9 * size);
    scene.shape(muscle);  // crus of the diaphragm
    scene.tube({at(14, 4, 330), at(16, 12, 370), at(16, 18, 405), at(10, 10, 430)}, {4, 6, 5, 4});
    scene.shape(muscle);  // obturator and pelvic floor
    scene.plate(at(60, -20, 118), at(58, 50, 118), at(42, 20, 62), 9 * size);
    scene.plate(at(45, -35, 78), at(10, 30, 62), at(50, 45, 90), 5);
    scene.shape(muscle);  // piriformis
    scene.cone(at(28, 74, 150), 12, at(120, 30, 105), 9);
  }
  // Fat that parts the muscles along the spine from those of the shoulder girdle and the buttocks.
  for (const float side : kSides) {
    const auto at = [&](float x, float y, float z) { return Vec{side * x, y, z}; };
    scene.shape({.hu = kFat, .texture = 8, .wobble = 1});
    scene.plate(at(62, 78, 420), at(60, 76, 280), at(88, 74, 300), 1.3F);
    scene.plate(at(22, 106, 150), at(120, 84, 165), at(120, 76, 70), 1.6F);
    scene.plate(at(60, 66, 60), at(140, 40, 140), at(140, 52, 60), 1.6F);
    scene.plate(at(120, -30, 150), at(140, 30, 150), at(138, -24, 40), 1.6F);
    scene.plate(at(60, -98, 560), at(140, -70, 585), at(130, -66, 520), 1.4F);
    scene.shape({.hu = kFat, .texture = 10, .wobble = 3});
    scene.ellipsoid(at(136, 8, 570), {14, 30, 34});  // the armpit
  }
}

void add_ribs(Anatomy& body) {
  for (const Rib& rib : kRibs) {
    for (const float side : kSides) add_rib(body, rib, side);
  }
  add_sternum(body);
}

}  // namespace medlsam::phantom
