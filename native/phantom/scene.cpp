#include "phantom/scene.hpp"

#include <algorithm>

namespace medlsam::phantom {
namespace {

// Half the extent along each axis of an ellipsoid whose own axes are the rows of `turn`.
Vec ellipsoid_extent(Vec radii, const Rotation& turn) {
  const auto& [u, v, w] = turn.rows;
  const auto along = [&](float Vec::*axis) {
    const float a = radii.x * (u.*axis), b = radii.y * (v.*axis), c = radii.z * (w.*axis);
    return std::sqrt(a * a + b * b + c * c);
  };
  return {along(&Vec::x), along(&Vec::y), along(&Vec::z)};
}

Rotation inverse(const Rotation& turned) {
  const auto& [u, v, w] = turned.rows;
  return {{Vec{u.x, v.x, w.x}, Vec{u.y, v.y, w.y}, Vec{u.z, v.z, w.z}}};
}

Vec spline(Vec p0, Vec p1, Vec p2, Vec p3, float t) {
  const Vec c = 2 * p0 - 5 * p1 + 4 * p2 - p3, d = 3 * (p1 - p2) + p3 - p0;
  return p1 + 0.5F * t * (p2 - p0 + t * (c + t * d));
}

}  // namespace

void Bounds::include(Vec point, float margin) {
  min = {std::min(min.x, point.x - margin), std::min(min.y, point.y - margin),
         std::min(min.z, point.z - margin)};
  max = {std::max(max.x, point.x + margin), std::max(max.y, point.y + margin),
         std::max(max.z, point.z + margin)};
}

void Scene::shape(const Paint& paint) {
  shapes_.push_back({paint, static_cast<std::uint32_t>(primitives_.size()), 0, {}});
}

void Scene::add(Primitive primitive) {
  Shape& shape = shapes_.back();
  if (!primitive.cut) {
    shape.bounds.include(primitive.bounds.min);
    shape.bounds.include(primitive.bounds.max);
  }
  primitives_.push_back(primitive);
  ++shape.count;
}

void Scene::ellipsoid(Vec center, Vec radii, const Rotation& turned) {
  Primitive solid{.solid = Solid::kEllipsoid, .a = center, .b = radii, .turn = inverse(turned)};
  const Vec extent = ellipsoid_extent(radii, solid.turn);
  solid.bounds.include(center - extent);
  solid.bounds.include(center + extent);
  add(solid);
}

void Scene::cut_ellipsoid(Vec center, Vec radii, const Rotation& turned) {
  ellipsoid(center, radii, turned);
  primitives_.back().cut = true;
}

void Scene::cone(Vec from, float from_radius, Vec to, float to_radius) {
  Primitive solid{.solid = Solid::kCone, .a = from, .b = to, .radius = from_radius, .radius_end = to_radius};
  solid.bounds.include(from, from_radius);
  solid.bounds.include(to, to_radius);
  add(solid);
}

void Scene::disc(Vec center, Vec half, const Rotation& turned) {
  Primitive solid{.solid = Solid::kDisc, .a = center, .b = half, .turn = inverse(turned)};
  const Vec extent = ellipsoid_extent(1.42F * half, solid.turn);
  solid.bounds.include(center - extent);
  solid.bounds.include(center + extent);
  add(solid);
}

void Scene::plate(Vec a, Vec b, Vec c, float half_thickness) {
  Primitive solid{.solid = Solid::kPlate, .a = a, .b = b, .c = c, .radius = half_thickness};
  for (const Vec corner : {a, b, c}) solid.bounds.include(corner, half_thickness);
  add(solid);
}

void Scene::tube(std::span<const Vec> points, std::span<const float> radii, int per_span) {
  const std::size_t last = points.size() - 1;
  const auto radius_at = [&](float place) {
    const float scaled =
        radii.size() == 1 ? 0 : place * static_cast<float>(radii.size() - 1) / static_cast<float>(last);
    const auto below = std::min(static_cast<std::size_t>(scaled), radii.size() - (radii.size() > 1 ? 2 : 1));
    const float t = scaled - static_cast<float>(below);
    return radii[below] + t * (radii[std::min(below + 1, radii.size() - 1)] - radii[below]);
  };
  Vec from = points[0];
  for (std::size_t span = 0; span < last; ++span) {
    for (int step = 1; step <= per_span; ++step) {
      const float t = static_cast<float>(step) / static_cast<float>(per_span);
      const float place = static_cast<float>(span) + t;
      const Vec to = spline(points[span == 0 ? 0 : span - 1], points[span], points[span + 1],
                            points[std::min(span + 2, last)], t);
      cone(from, radius_at(place - 1 / static_cast<float>(per_span)), to, radius_at(place));
      from = to;
    }
  }
}

}  // namespace medlsam::phantom
