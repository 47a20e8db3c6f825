#include "phantom/anatomy.hpp"

namespace medlsam::phantom {
namespace {

constexpr float kSides[] = {1, -1};

struct Vertebra {
  float z, half_width, half_depth, half_height;
  bool thoracic, cervical;
};

// Vertebrae from L5 up to C2: heights and bodies shrink.
std::vector<Vertebra> vertebrae() {
  std::vector<Vertebra> spine;
  float z = 222;
  for (int i = 0; i < 23; ++i) {
    const bool lumbar = i < 5, thoracic = i >= 5 && i < 17;
    const float t = static_cast<float>(i);
    const float pitch = lumbar ? 35 - 0.4F * t : thoracic ? 31 - 0.75F * t : 16.5F;
    const float next = thoracic && i == 16 ? 18 : pitch;
    const float width = lumbar ? 26 - 0.6F * t : thoracic ? 22 - 0.5F * (t - 5) : 13;
    const float depth = lumbar ? 18 : thoracic ? 17 - 0.45F * (t - 5) : 9;
    spine.push_back({z, width, depth, 0.5F * pitch * (thoracic || lumbar ? 0.8F : 0.72F), thoracic, i >= 17});
    z += 0.5F * (pitch + next);
  }
  return spine;
}

// Degrees by which the spine leans at height z.
float lean(float z) {
  return std::atan2(spine_y(z + 8) - spine_y(z - 8), 16.F) * 57.29578F;
}

void add_vertebra(Anatomy& body, const Vertebra& bone_at, float density) {
  Scene& scene = body.scene;
  const float y = spine_y(bone_at.z), z = bone_at.z, w = bone_at.half_width, d = bone_at.half_depth;
  const Rotation turn = rotation(-lean(z), 0, 0);
  const auto at = [&](float side, Vec offset) {
    const Vec placed = turn(Vec{side * offset.x, offset.y, offset.z});
    return Vec{0, y, z} + placed;
  };
  scene.shape({.hu = density, .texture = 55, .shell = 1.4F, .shell_hu = density + 320, .rough = 0.6F});
  scene.disc({0, y, z}, {w, d, bone_at.half_height}, turn);
  const float size = w / 24, back = d + 2;
  const float drop = bone_at.thoracic ? -22.F : bone_at.cervical ? -4.F : -8.F;
  scene.shape({.hu = 330, .texture = 60, .shell = 1.5F, .shell_hu = 760});
  for (const float side : kSides) {
    scene.cone(at(side, {0.55F * w, d - 3, 3}), 5.5F * size, at(side, {0.62F * w, back + 9 * size, 2}),
               5 * size);
    scene.plate(at(side, {0.62F * w, back + 8, 8 * size}), at(side, {0.6F * w, back + 10, -11 * size}),
                at(side, {1, back + 26 * size, -5 * size}), 3.2F * size);
    const float reach = bone_at.thoracic ? 1.35F * w : bone_at.cervical ? 1.5F * w : 1.6F * w;
    const float behind = bone_at.thoracic ? back + 18 * size : bone_at.cervical ? d : back + 7;
    scene.cone(at(side, {0.6F * w, back + 8 * size, 2}), 5 * size, at(side, {reach, behind, 3}), 3.8F * size);
    // The joint with the next vertebra.
    scene.ellipsoid(at(side, {0.68F * w, back + 12 * size, 13 * size}), {5.5F * size, 5.5F * size, 9 * size});
  }
  const float spinous = bone_at.cervical ? 38 : 48;
  scene.plate(at(1, {0, back + 24 * size, 4 * size}), at(1, {0, back + 22 * size, -9 * size}),
              at(1, {0, back + spinous * size, drop}), 3 * size);
}

void add_disc(Anatomy& body, const Vertebra& below, const Vertebra& above) {
  const float z = 0.5F * (below.z + below.half_height + above.z - above.half_height);
  const float half = 0.5F * (above.z - above.half_height - below.z - below.half_height) + 1;
  body.scene.shape({.hu = 82, .texture = 8});
  body.scene.disc({0, spine_y(z), z}, {below.half_width - 1, below.half_depth - 0.5F, half},
                  rotation(-lean(z), 0, 0));
}

// The canal runs behind the vertebral bodies and up into the skull.
std::vector<Vec> canal_line() {
  std::vector<Vec> line = {{0, 92, 140}, {0, 88, 168}, {0, 66, 200}};
  for (const Vertebra& at : vertebrae()) {
    line.push_back({0, spine_y(at.z) + at.half_depth + (at.cervical ? 8.F : 10.F), at.z});
  }
  line.push_back({0, 22, 757});
  line.push_back({0, 21, 772});
  return line;
}

void add_canal(Anatomy& body) {
  const std::vector<Vec> line = canal_line();
  constexpr float kCanal[] = {4, 8, 10, 10.5F, 10, 9.5F, 9, 8.5F, 8, 8, 8, 8, 8, 8.5F, 9.5F, 9.5F, 9.5F, 10};
  constexpr float kSac[] = {2, 6, 7.5F, 8, 8, 8, 7, 6.5F, 6.3F, 6.3F, 6.3F, 6.3F, 6.5F, 7.5F, 8, 8, 8, 8};
  body.scene.shape({.hu = -25, .label = kSpinalCanal, .texture = 20});
  body.scene.tube(line, kCanal, 2);
  body.scene.shape({.hu = 12, .label = kSpinalCanal});
  body.scene.tube(line, kSac, 2);
  constexpr float kCord[] = {4, 4.2F, 4.2F, 4.2F, 5, 5.5F, 5.2F, 5.2F};
  body.scene.shape({.hu = 38, .label = kSpinalCanal});
  body.scene.tube(std::span(line).subspan(7), kCord, 2);
}

void add_sacrum(Anatomy& body) {
  Scene& scene = body.scene;
  scene.shape({.hu = 190, .texture = 65, .shell = 1.6F, .shell_hu = 560, .blend = 10, .wobble = 1});
  constexpr Vec kBodies[] = {{0, 42, 197}, {0, 58, 176}, {0, 72, 156}, {0, 80, 138}, {0, 83, 120}};
  float size = 1;
  for (const Vec at : kBodies) {
    scene.ellipsoid(at, {26 * size, 15 * size, 13});
    size *= 0.84F;
  }
  for (const float side : kSides) {
    const auto at = [&](float x, float y, float z) { return Vec{side * x, y, z}; };
    scene.plate(at(20, 50, 204), at(54, 56, 192), at(30, 78, 150), 9);
    scene.plate(at(54, 56, 192), at(30, 78, 150), at(44, 72, 160), 8);
  }
  scene.plate({-12, 92, 190}, {12, 92, 190}, {0, 104, 140}, 4);
  scene.shape(bone(1.2F, 250));
  scene.tube({{0, 84, 112}, {0, 80, 98}, {0, 72, 86}}, {7, 4});
}

}  // namespace

void add_spine(Anatomy& body) {
  Draw draw(body.subject.seed, Stream::kSkeleton);
  const float density = draw.uniform(110, 230);
  const std::vector<Vertebra> spine = vertebrae();
  add_sacrum(body);
  for (std::size_t i = 0; i + 1 < spine.size(); ++i) add_disc(body, spine[i], spine[i + 1]);
  for (const Vertebra& vertebra : spine) add_vertebra(body, vertebra, density);
  // The atlas is a ring.
  body.scene.shape(bone(1.6F, 420));
  for (const float side : kSides) {
    body.scene.ellipsoid({side * 19, 10, 757}, {9, 10, 8});
    body.scene.tube({{side * 19, 12, 757}, {side * 16, 34, 757}, {0, 41, 757}}, {5, 4});
    body.scene.tube({{side * 19, 6, 757}, {side * 10, -4, 757}, {0, -6, 757}}, {5, 4});
    body.scene.cone({side * 24, 10, 757}, 5, {side * 38, 12, 757}, 4);
  }
  body.scene.cone({0, 5, 735}, 6, {0, 4, 762}, 5);
  add_canal(body);
}

}  // namespace medlsam::phantom
