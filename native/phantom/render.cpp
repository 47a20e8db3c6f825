#include "phantom/render.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "base/parallel.hpp"
#include "phantom/texture.hpp"
#include "phantom/tissues.hpp"

namespace medlsam::phantom {
namespace {

constexpr float kMelt = 14;        // mm over which limbs, jaw and nose join the outline
constexpr float kMottle = 4.5F;    // mm, width of a cell of the tissues' mottling
constexpr float kVesselCell = 12;  // mm, of the noise that small vessels follow

using Places = std::array<Posture::Place, 8>;  // at a brick's corners: x fastest, then y, z

Posture::Place between(const Posture::Place& a, const Posture::Place& b, float t) {
  return {lerp(a.point, b.point, t), a.wobble + t * (b.wobble - a.wobble)};
}

// Bricks that the scan is divided into. In a brick the deformation is trilinear, and only the shapes near it
// are evaluated.
class Renderer {
 public:
  Renderer(const Anatomy& anatomy, const Posture& posture, const Scan& scan, Rendering& rendering)
      : anatomy_(anatomy),
        posture_(posture),
        scan_(scan),
        rendering_(rendering),
        texture_(stream_key(anatomy.subject.seed, Stream::kTexture)) {
    constexpr double kSizes[3] = {12, 12, 16};  // mm
    for (int a = 0; a < 3; ++a) {
      const double voxels = std::floor(kSizes[a] / scan.spacing[a]);
      brick_[a] = static_cast<int>(std::clamp(voxels, 2.0, static_cast<double>(kRow)));
      bricks_[a] = (scan.shape[a] + brick_[a] - 1) / brick_[a];
    }
    const float mean = static_cast<float>(scan.spacing[0] + 2 * scan.spacing[2]) / 3;
    edge_ = std::max(0.8F, mean / anatomy.subject.scale.x);
  }

  std::size_t strips() const { return static_cast<std::size_t>(bricks_[0] * bricks_[1]); }

  // All bricks of one z and y.
  void strip(std::size_t index) {
    const auto z = static_cast<std::int64_t>(index) / bricks_[1],
               y = static_cast<std::int64_t>(index) % bricks_[1];
    std::vector<Places> places;
    Bounds all;
    for (std::int64_t x = 0; x < bricks_[2]; ++x) {
      Places corners;
      for (int i = 0; i < 8; ++i) {
        if (x > 0 && i % 2 == 0) {
          corners[i] = places.back()[i + 1];
        } else {
          corners[i] = corner({z + (i >> 2), y + (i >> 1 & 1), x + (i & 1)});
        }
        all.include(corners[i].point);
      }
      places.push_back(corners);
    }
    std::vector<const Shape*> near;
    for (const Shape& shape : anatomy_.scene.shapes()) {
      if (shape.bounds.meets(all, edge_ + Scene::reach(shape.paint))) near.push_back(&shape);
    }
    for (std::int64_t x = 0; x < bricks_[2]; ++x) brick({z, y, x}, places[static_cast<std::size_t>(x)], near);
  }

 private:
  struct NearShape {
    const Shape* shape;
    std::size_t first, count;  // in near_primitives
  };
  struct BrickShapes {
    std::vector<NearShape> shapes;
    std::vector<const Primitive*> primitives, skin;
  };

  float coordinate(int axis, double index) const {
    return static_cast<float>(scan_.first[axis] + scan_.spacing[axis] * index);
  }

  Posture::Place corner(const Index3& brick) const {
    const auto at = [&](int axis) {
      return coordinate(axis, static_cast<double>(brick[axis] * brick_[axis]));
    };
    return posture_.canonical({at(2), at(1), at(0)});
  }

  BrickShapes shapes_near(const Places& corners, const std::vector<const Shape*>& candidates) const {
    Bounds bounds;
    for (const auto& corner : corners) bounds.include(corner.point);
    BrickShapes near;
    for (const Primitive& part : anatomy_.skin_parts) {
      if (part.bounds.meets(bounds, edge_ + kMelt)) near.skin.push_back(&part);
    }
    for (const Shape* shape : candidates) {
      const float margin = edge_ + Scene::reach(shape->paint) + shape->paint.shell + shape->paint.blend;
      if (!shape->bounds.meets(bounds, margin)) continue;
      const std::size_t first = near.primitives.size();
      bool added = false;
      for (const Primitive& primitive : anatomy_.scene.primitives().subspan(shape->first, shape->count)) {
        if (!primitive.bounds.meets(bounds, margin)) continue;
        near.primitives.push_back(&primitive);
        added |= !primitive.cut;
      }
      if (added) {
        near.shapes.push_back({shape, first, near.primitives.size() - first});
      } else {
        near.primitives.resize(first);
      }
    }
    return near;
  }

  void brick(const Index3& brick, const Places& corners, const std::vector<const Shape*>& candidates) {
    const BrickShapes near = shapes_near(corners, candidates);
    Index3 first, end;
    for (int a = 0; a < 3; ++a) {
      first[a] = brick[a] * brick_[a];
      end[a] = std::min(first[a] + brick_[a], scan_.shape[a]);
    }
    for (std::int64_t z = first[0]; z < end[0]; ++z) {
      const float tz = static_cast<float>(z - first[0]) / static_cast<float>(brick_[0]);
      for (std::int64_t y = first[1]; y < end[1]; ++y) {
        const float ty = static_cast<float>(y - first[1]) / static_cast<float>(brick_[1]);
        const auto at_side = [&](int side) {
          return between(between(corners[side], corners[2 + side], ty),
                         between(corners[4 + side], corners[6 + side], ty), tz);
        };
        row({z, y, first[2]}, static_cast<int>(end[2] - first[2]), at_side(0), at_side(1), near);
      }
    }
  }

  void row(const Index3& at, int count, const Posture::Place& left, const Posture::Place& right,
           const BrickShapes& near) {
    TissueRow row;
    row.points.count = count;
    const float step = 1 / static_cast<float>(brick_[2]);
    for (int i = 0; i < count; ++i) {
      const float t = step * static_cast<float>(i);
      row.points.x.at[i] = left.point.x + t * (right.point.x - left.point.x);
      row.points.y.at[i] = left.point.y + t * (right.point.y - left.point.y);
      row.points.z.at[i] = left.point.z + t * (right.point.z - left.point.z);
      row.wobble.at[i] = left.wobble + t * (right.wobble - left.wobble);
    }
    outside(at, row);
    skin_distance(near, row);
    if (scan_.surroundings) around(at, row);
    const float nearest = *std::min_element(row.skin.at, row.skin.at + count);
    if (nearest < edge_) inside(near, row);
    store(at, row);
  }

  // The air around the patient, and the table in it.
  void outside(const Index3& at, TissueRow& row) const {
    std::fill_n(row.labels, kRow, static_cast<std::uint8_t>(kBackground));
    const float y = coordinate(1, static_cast<double>(at[1]));
    for (int i = 0; i < row.points.count; ++i) {
      row.hu.at[i] = kAir;
      if (!scan_.table) continue;
      const float x = coordinate(2, static_cast<double>(at[2] + i));
      const float depth = y - scan_.table_y + x * x / 1400, under = 26 - x * x / 2600;
      const float shell = std::min(std::fabs(depth), std::fabs(depth - under));
      const float carbon = std::clamp(0.5F - (shell - 1.2F) / edge_, 0.F, 1.F);
      const bool foam = depth > 0 && depth < under;
      if (std::fabs(x) < 215) row.hu.at[i] = foam ? -935 + carbon * 700 : kAir + carbon * 780;
    }
  }

  void around(const Index3& at, TissueRow& row) const {
    const float y = coordinate(1, static_cast<double>(at[1])) - scan_.table_y;
    paint_surroundings(*scan_.surroundings, y, coordinate(2, static_cast<double>(at[2])),
                       static_cast<float>(scan_.spacing[2]), edge_, row);
  }

  // Small vessels run where two noises of the body space vanish.
  void small_vessels(TissueRow& row) const {
    std::fill_n(row.vessels.at, kRow, 0.F);
    const float share = anatomy_.filling.vessels;
    if (share == 0) return;
    RowPoints turned = row.points;
    std::swap(turned.x, turned.z);
    Lane one, other;
    texture_.sample(row.points, kVesselCell, one);
    texture_.sample(turned, 1.17F * kVesselCell, other);
    for (int i = 0; i < row.points.count; ++i) {
      row.vessels.at[i] = share * std::max(0.F, 1 - 4 * (std::fabs(one.at[i]) + std::fabs(other.at[i])));
    }
  }

  Section cut_at(const Outline& outline, const TissueRow& row, int index) const {
    return outline.at(row.points.z.at[index]);
  }

  void outline_distance(const Outline& outline, const TissueRow& row, Lane& distance) const {
    distance_to_outline(cut_at(outline, row, 0), cut_at(outline, row, row.points.count - 1), row.points,
                        distance);
  }

  // Trunk and head end at the outline's last cuts.
  void between_ends(const TissueRow& row, Lane& distance) const {
    const float bottom = anatomy_.outlines.bottom, top = anatomy_.outlines.top;
    for (int i = 0; i < row.points.count; ++i) {
      const float z = row.points.z.at[i];
      distance.at[i] = std::max({distance.at[i], bottom - z, z - top - 5});
    }
  }

  void skin_distance(const BrickShapes& near, TissueRow& row) const {
    outline_distance(anatomy_.outlines.skin, row, row.skin);
    between_ends(row, row.skin);
    Lane part;
    for (const Primitive* primitive : near.skin) {
      distance_to(*primitive, row.points, part);
      for (int i = 0; i < row.points.count; ++i) {
        const float a = row.skin.at[i], b = part.at[i];
        const float h = std::max(kMelt - std::fabs(a - b), 0.F);
        row.skin.at[i] = std::min(a, b) - h * h * (0.25F / kMelt);
      }
    }
  }

  void inside(const BrickShapes& near, TissueRow& row) const {
    texture_.sample(row.points, kMottle, row.mottling);
    Lane distance;
    outline_distance(anatomy_.outlines.cavity, row, row.cavity);
    const int last = row.points.count - 1;
    const auto dome = [&](int i) {
      return row.points.z.at[i] - diaphragm(anatomy_.subject, row.points.x.at[i], row.points.y.at[i]);
    };
    const float first_dome = dome(0), last_dome = dome(last);
    const float ceiling = anatomy_.outlines.top;
    for (int i = 0; i <= last; ++i) {
      const float t = last > 0 ? static_cast<float>(i) / static_cast<float>(last) : 0;
      row.diaphragm.at[i] = first_dome + t * (last_dome - first_dome);
      // The cavity ends above the lungs' tips and at the pelvic floor.
      const float z = row.points.z.at[i];
      row.cavity.at[i] = std::max({row.cavity.at[i], z - kApex, kPelvicFloor - z, z - ceiling});
    }
    outline_distance(anatomy_.outlines.muscle, row, distance);
    between_ends(row, distance);
    small_vessels(row);
    fill_tissues(anatomy_.filling, distance, edge_, row);
    for (const NearShape& shape : near.shapes) {
      const std::span all(near.primitives);
      distance_to_shape(all.subspan(shape.first, shape.count), shape.shape->paint.blend, row.points,
                        distance);
      paint_shape(shape.shape->paint, edge_, distance, row);
    }
  }

  void store(const Index3& at, const TissueRow& row) {
    const auto offset = static_cast<std::size_t>((at[0] * scan_.shape[1] + at[1]) * scan_.shape[2] + at[2]);
    for (int i = 0; i < row.points.count; ++i) {
      rendering_.hu[offset + i] = static_cast<std::int16_t>(std::lrint(row.hu.at[i]));
      rendering_.labels[offset + i] = row.labels[i];
    }
  }

  static constexpr float kApex = 668, kPelvicFloor = 64;

  const Anatomy& anatomy_;
  const Posture& posture_;
  const Scan& scan_;
  Rendering& rendering_;
  const Texture texture_;
  std::array<int, 3> brick_{};
  Index3 bricks_{};
  float edge_ = 1;
};

}  // namespace

Rendering render(const Anatomy& anatomy, const Posture& posture, const Scan& scan, const Task& task) {
  const auto voxels = static_cast<std::size_t>(scan.shape[0] * scan.shape[1] * scan.shape[2]);
  Rendering rendering{std::vector<std::int16_t>(voxels), std::vector<std::uint8_t>(voxels)};
  Renderer renderer(anatomy, posture, scan, rendering);
  std::atomic<std::size_t> done{0};
  parallel_for(task, renderer.strips(), [&](std::size_t strip, std::size_t worker) {
    renderer.strip(strip);
    const std::size_t finished = ++done;
    if (worker == 0) task.report(finished, renderer.strips());
  });
  return rendering;
}

}  // namespace medlsam::phantom
