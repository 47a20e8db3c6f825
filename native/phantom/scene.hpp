// Anatomy as a list of painted shapes in the body space. Later shapes cover earlier ones.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "phantom/organs.hpp"
#include "phantom/vec.hpp"

namespace medlsam::phantom {

struct Bounds {
  Vec min{std::numeric_limits<float>::max(), std::numeric_limits<float>::max(),
          std::numeric_limits<float>::max()};
  Vec max{std::numeric_limits<float>::lowest(), std::numeric_limits<float>::lowest(),
          std::numeric_limits<float>::lowest()};

  void include(Vec point, float margin = 0);
  bool meets(const Bounds& other, float margin) const {
    return min.x <= other.max.x + margin && other.min.x <= max.x + margin && min.y <= other.max.y + margin &&
           other.min.y <= max.y + margin && min.z <= other.max.z + margin && other.min.z <= max.z + margin;
  }
};

enum class Solid : std::uint8_t { kEllipsoid, kCone, kDisc, kPlate };

// What the fields mean depends on the solid (scene.cpp fills them, distance.cpp reads them).
struct Primitive {
  Solid solid = Solid::kEllipsoid;
  bool cut = false;   // subtracted from the shape instead of added
  Vec a{}, b{}, c{};  // kEllipsoid, kDisc: center, semi-axes (disc: half height in z); others: corners
  Rotation turn{};    // into the solid's own axes
  float radius = 0, radius_end = 0;
  Bounds bounds{};
};

constexpr float kNoGas = -1e6F;

// Appearance of a shape. Lengths in mm, intensities in HU.
struct Paint {
  float hu = 0;
  std::uint8_t label = kBackground;
  float texture = 0;              // amplitude of the mottling, HU
  float veins = 0;                // HU by which small vessels in it are brighter
  float shell = 0, shell_hu = 0;  // an outer layer: cortical bone, a wall
  float gas_before = kNoGas;      // y in front of which there is gas (the patient lies on the back)
  float blend = 0;                // width over which the shape's solids merge
  float wobble = 0, rough = 0;    // how far the surface departs from the solids, coarsely and finely
  bool in_cavity = false;         // ends at the wall of the body cavity
  bool under_diaphragm = false;
};

struct Shape {
  Paint paint;
  std::uint32_t first = 0, count = 0;  // its primitives
  Bounds bounds;                       // bounds of the solids that are added
};

class Scene {
 public:
  // The solids added until the next call belong to one shape.
  void shape(const Paint& paint);

  void ellipsoid(Vec center, Vec radii, const Rotation& turned = {});
  void sphere(Vec center, float radius) { ellipsoid(center, {radius, radius, radius}); }
  void cone(Vec from, float from_radius, Vec to, float to_radius);
  void disc(Vec center, Vec half, const Rotation& turned = {});
  void plate(Vec a, Vec b, Vec c, float half_thickness);
  // Cones along a smooth line through the points. The radii are spread evenly over the line and interpolated.
  void tube(std::span<const Vec> points, std::span<const float> radii, int per_span = 3);
  void tube(std::initializer_list<Vec> points, std::initializer_list<float> radii, int per_span = 3) {
    tube(std::span(points.begin(), points.size()), std::span(radii.begin(), radii.size()), per_span);
  }
  void cut_ellipsoid(Vec center, Vec radii, const Rotation& turned = {});

  std::span<const Shape> shapes() const { return shapes_; }
  std::span<Shape> shapes() { return shapes_; }
  std::span<const Primitive> primitives() const { return primitives_; }
  // How far a shape may reach beyond its bounds, mm.
  static float reach(const Paint& paint) { return paint.wobble + paint.rough + paint.blend / 4; }

 private:
  void add(Primitive primitive);

  std::vector<Shape> shapes_;
  std::vector<Primitive> primitives_;
};

}  // namespace medlsam::phantom
