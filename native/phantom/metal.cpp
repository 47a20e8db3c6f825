// Metal in the body.
#include "phantom/realism.hpp"

namespace medlsam::phantom {
namespace {

constexpr Paint kMetal{.hu = 9000};

void add_fillings(Scene& scene, Draw& draw) {
  for (int i = -7; i <= 7; ++i) {
    if (!draw.chance(0.3F)) continue;
    const float angle = static_cast<float>(i) * 0.19F, z = draw.chance(0.5F) ? 738.F : 730.F;
    scene.shape(kMetal);
    scene.sphere({27 * std::sin(angle), -58 - 27 * std::cos(angle) + 8 * std::fabs(angle), z},
                 draw.uniform(2, 3.5F));
  }
}

// A ball instead of the femoral head, and a shaft in the femur.
void add_hip(Scene& scene, float side) {
  Vec head;
  float radius = 0;
  for (const Shape& shape : scene.shapes()) {
    if (shape.paint.label != on_side(kFemoralHeadLeft, side)) continue;
    head = lerp(shape.bounds.min, shape.bounds.max, 0.5F);
    radius = 2 + Scene::reach(shape.paint) + length(shape.bounds.max - shape.bounds.min) / 2 / 1.732F;
  }
  if (radius == 0) return;
  scene.shape(kMetal);
  scene.sphere(head, radius);
  scene.cone(head, 9, head + Vec{side * 38, 4, -32}, 10);
  scene.cone(head + Vec{side * 38, 4, -32}, 10, head + Vec{side * 44, 4, -150}, 6);
}

void add_clips(Scene& scene, Draw& draw) {
  const int count = 2 + static_cast<int>(draw.bits() % 6);
  const Vec middle{draw.uniform(-60, 60), draw.uniform(-50, 20), draw.uniform(170, 400)};
  for (int i = 0; i < count; ++i) {
    const Vec at = middle + Vec{draw.normal(0, 14), draw.normal(0, 14), draw.normal(0, 16)};
    scene.shape(kMetal);
    scene.cone(at, 1.3F, at + Vec{draw.normal(0, 3), draw.normal(0, 3), draw.normal(0, 3)}, 1.3F);
  }
}

void add_screws(Scene& scene, Draw& draw) {
  const float z = draw.uniform(210, 320);
  for (const float level : {0.F, 36.F}) {
    for (const float side : {1.F, -1.F}) {
      scene.shape(kMetal);
      scene.cone({side * 26, spine_y(z + level) + 42, z + level}, 3,
                 {side * 10, spine_y(z + level) - 2, z + level}, 2.5F);
    }
  }
  for (const float side : {1.F, -1.F}) {
    scene.shape(kMetal);
    scene.cone({side * 26, spine_y(z) + 42, z - 4}, 3, {side * 26, spine_y(z + 36) + 42, z + 40}, 3);
  }
}

// Wires that close a sternum.
void add_wires(Scene& scene, const Outline& wall) {
  for (const float z : {490.F, 510.F, 530.F, 550.F, 570.F, 590.F}) {
    scene.shape(kMetal);
    scene.cone(wall.surface(z, -6, 10), 1.2F, wall.surface(z, 6, 10), 1.2F);
  }
}

}  // namespace

void add_metal(Anatomy& body) {
  Draw draw(body.subject.seed + 1, Stream::kScanner);
  const bool fillings = draw.chance(0.5F), left = draw.chance(0.06F), right = draw.chance(0.06F),
             clips = draw.chance(0.2F), screws = draw.chance(0.05F), wires = draw.chance(0.07F);
  if (fillings) add_fillings(body.scene, draw);
  if (left) add_hip(body.scene, 1);
  if (right) add_hip(body.scene, -1);
  if (clips) add_clips(body.scene, draw);
  if (screws) add_screws(body.scene, draw);
  if (wires) add_wires(body.scene, body.outlines.cavity);
}

}  // namespace medlsam::phantom
