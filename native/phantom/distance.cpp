// Branch-free loops over small arrays, which the compiler vectorizes. They are compiled for the baseline
// instruction set only: fused multiply-adds would make a phantom's bytes depend on the processor.
#include "phantom/distance.hpp"

#include <algorithm>
#include <cmath>

namespace medlsam::phantom {
namespace {

float clamp01(float value) {
  return std::min(std::max(value, 0.F), 1.F);
}

void to_ellipsoid(const Primitive& solid, const RowPoints& points, Lane& distance) {
  const Vec c = solid.a, r{1 / solid.b.x, 1 / solid.b.y, 1 / solid.b.z};
  const Vec u = r.x * solid.turn.rows[0], v = r.y * solid.turn.rows[1], w = r.z * solid.turn.rows[2];
  const float smallest = std::min({solid.b.x, solid.b.y, solid.b.z});
  for (int i = 0; i < points.count; ++i) {
    const float x = points.x.at[i] - c.x, y = points.y.at[i] - c.y, z = points.z.at[i] - c.z;
    const float qx = u.x * x + u.y * y + u.z * z, qy = v.x * x + v.y * y + v.z * z,
                qz = w.x * x + w.y * y + w.z * z;
    const float norm = std::sqrt(qx * qx + qy * qy + qz * qz);
    const float gx = qx * r.x, gy = qy * r.y, gz = qz * r.z;
    const float slope = std::sqrt(gx * gx + gy * gy + gz * gz);
    distance.at[i] = (norm - 1) * (norm + 1e-3F) / (slope + 1e-3F / smallest);
  }
}

void to_cone(const Primitive& solid, const RowPoints& points, Lane& distance) {
  const Vec a = solid.a, along = solid.b - solid.a;
  const float inverse = 1 / std::max(dot(along, along), 1e-6F);
  const float radius = solid.radius, change = solid.radius_end - solid.radius;
  for (int i = 0; i < points.count; ++i) {
    const float x = points.x.at[i] - a.x, y = points.y.at[i] - a.y, z = points.z.at[i] - a.z;
    const float t = clamp01((x * along.x + y * along.y + z * along.z) * inverse);
    const float dx = x - t * along.x, dy = y - t * along.y, dz = z - t * along.z;
    distance.at[i] = std::sqrt(dx * dx + dy * dy + dz * dz) - (radius + t * change);
  }
}

void to_disc(const Primitive& solid, const RowPoints& points, Lane& distance) {
  const Vec c = solid.a, u = solid.turn.rows[0], v = solid.turn.rows[1], w = solid.turn.rows[2];
  const float rx = 1 / solid.b.x, ry = 1 / solid.b.y, half = solid.b.z;
  const float narrow = std::min(solid.b.x, solid.b.y);
  for (int i = 0; i < points.count; ++i) {
    const float x = points.x.at[i] - c.x, y = points.y.at[i] - c.y, z = points.z.at[i] - c.z;
    const float qx = rx * (u.x * x + u.y * y + u.z * z), qy = ry * (v.x * x + v.y * y + v.z * z);
    const float side = (std::sqrt(qx * qx + qy * qy) - 1) * narrow;
    const float end = std::fabs(w.x * x + w.y * y + w.z * z) - half;
    distance.at[i] = std::max(side, end);
  }
}

float clamped_square(float px, float py, float pz, Vec edge, float inverse) {
  const float t = clamp01((px * edge.x + py * edge.y + pz * edge.z) * inverse);
  const float x = px - t * edge.x, y = py - t * edge.y, z = pz - t * edge.z;
  return x * x + y * y + z * z;
}

// A triangle with rounded edges.
void to_plate(const Primitive& solid, const RowPoints& points, Lane& distance) {
  const Vec ab = solid.b - solid.a, bc = solid.c - solid.b, ca = solid.a - solid.c;
  const Vec normal = cross(ab, solid.a - solid.c);
  const Vec nab = cross(ab, normal), nbc = cross(bc, normal), nca = cross(ca, normal);
  const float iab = 1 / dot(ab, ab), ibc = 1 / dot(bc, bc), ica = 1 / dot(ca, ca),
              inormal = 1 / dot(normal, normal);
  for (int i = 0; i < points.count; ++i) {
    const float x = points.x.at[i], y = points.y.at[i], z = points.z.at[i];
    const float ax = x - solid.a.x, ay = y - solid.a.y, az = z - solid.a.z;
    const float bx = x - solid.b.x, by = y - solid.b.y, bz = z - solid.b.z;
    const float cx = x - solid.c.x, cy = y - solid.c.y, cz = z - solid.c.z;
    const float edges = std::min({clamped_square(ax, ay, az, ab, iab), clamped_square(bx, by, bz, bc, ibc),
                                  clamped_square(cx, cy, cz, ca, ica)});
    const float height = ax * normal.x + ay * normal.y + az * normal.z;
    const float sa = ax * nab.x + ay * nab.y + az * nab.z, sb = bx * nbc.x + by * nbc.y + bz * nbc.z,
                sc = cx * nca.x + cy * nca.y + cz * nca.z;
    const float low = std::min({sa, sb, sc}), high = std::max({sa, sb, sc});
    const float face = height * height * inormal;
    const float square = (low >= 0) | (high <= 0) ? face : edges;
    distance.at[i] = std::sqrt(square) - solid.radius;
  }
}

void join(const Lane& other, float blend, int count, Lane& distance) {
  const float k = std::max(blend, 1e-3F), inverse = 0.25F / k;
  for (int i = 0; i < count; ++i) {
    const float a = distance.at[i], b = other.at[i];
    const float h = std::max(k - std::fabs(a - b), 0.F);
    distance.at[i] = std::min(a, b) - h * h * inverse;
  }
}

}  // namespace

void distance_to(const Primitive& primitive, const RowPoints& points, Lane& distance) {
  switch (primitive.solid) {
    case Solid::kEllipsoid:
      return to_ellipsoid(primitive, points, distance);
    case Solid::kCone:
      return to_cone(primitive, points, distance);
    case Solid::kDisc:
      return to_disc(primitive, points, distance);
    case Solid::kPlate:
      return to_plate(primitive, points, distance);
  }
}

void distance_to_shape(std::span<const Primitive* const> primitives, float blend, const RowPoints& points,
                       Lane& distance) {
  Lane other;
  bool first = true;
  for (const Primitive* primitive : primitives) {
    if (primitive->cut) continue;
    distance_to(*primitive, points, first ? distance : other);
    if (!first) join(other, blend, points.count, distance);
    first = false;
  }
  for (const Primitive* primitive : primitives) {
    if (!primitive->cut) continue;
    distance_to(*primitive, points, other);
    for (int i = 0; i < points.count; ++i) distance.at[i] = std::max(distance.at[i], -other.at[i]);
  }
}

void distance_to_outline(const Section& first, const Section& last, const RowPoints& points, Lane& distance) {
  const float step = points.count > 1 ? 1 / static_cast<float>(points.count - 1) : 0;
  const auto slope = [&](float Section::*field) { return step * (last.*field - first.*field); };
  const float width_step = slope(&Section::half_width), front_step = slope(&Section::front),
              back_step = slope(&Section::back), center_step = slope(&Section::center),
              square_step = slope(&Section::square), steep_step = slope(&Section::steep);
  for (int i = 0; i < points.count; ++i) {
    const float t = static_cast<float>(i);
    const float width = first.half_width + t * width_step;
    const float x = points.x.at[i], y = points.y.at[i] - (first.center + t * center_step);
    const float front = first.front + t * front_step, back = first.back + t * back_step;
    const float depth = y < 0 ? front : back;
    const float u = x * x / (width * width), v = y * y / (depth * depth);
    const float two = std::sqrt(u + v), four = std::sqrt(std::sqrt(u * u + v * v));
    const float norm = two + (first.square + t * square_step) * (four - two);
    const float radius = std::sqrt(x * x + y * y);
    const float around = std::min(width, depth);
    distance.at[i] = (norm - 1) * (radius + 1e-3F * around) / (norm + 1e-3F) * (first.steep + t * steep_step);
  }
}

}  // namespace medlsam::phantom
