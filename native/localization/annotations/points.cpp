#include "localization/annotations/points.hpp"

#include <algorithm>
#include <optional>
#include <string>

namespace medlsam {
namespace {

// The organ's voxels within a range of slices.
class OrganView {
 public:
  OrganView(const LabelGrid& grid, const LabelExtent& extent)
      : grid_(grid), label_(static_cast<std::uint16_t>(extent.label)), min_(extent.min), max_(extent.max) {}

  // Slices first … last along z only.
  OrganView slab(std::int64_t first, std::int64_t last) const {
    OrganView part = *this;
    part.min_[0] = std::max(min_[0], first);
    part.max_[0] = std::min(max_[0], last);
    return part;
  }

  std::optional<LabelExtent> extent() const {
    LabelExtent found{label_, grid_.shape, {-1, -1, -1}};
    for (Index3 i = min_; i[0] <= max_[0]; ++i[0]) {
      for (i[1] = min_[1]; i[1] <= max_[1]; ++i[1]) {
        for (i[2] = min_[2]; i[2] <= max_[2]; ++i[2]) {
          if (!has(i)) continue;
          for (int a = 0; a < 3; ++a) {
            found.min[a] = std::min(found.min[a], i[a]);
            found.max[a] = std::max(found.max[a], i[a]);
          }
        }
      }
    }
    if (found.max[0] < 0) return std::nullopt;
    return found;
  }

  // Part 3's middle(axis, slice): entry count div 2 of the slice's voxels, listed row-major over the other
  // two axes in cyclic order. Nothing when the slice is empty.
  std::optional<Index3> middle(int axis, std::int64_t slice) const {
    const int rows = (axis + 1) % 3, columns = (axis + 2) % 3;
    if (slice < min_[axis] || slice > max_[axis]) return std::nullopt;
    std::vector<Index3> voxels;
    Index3 i;
    i[axis] = slice;
    for (i[rows] = min_[rows]; i[rows] <= max_[rows]; ++i[rows]) {
      for (i[columns] = min_[columns]; i[columns] <= max_[columns]; ++i[columns]) {
        if (has(i)) voxels.push_back(i);
      }
    }
    if (voxels.empty()) return std::nullopt;
    return voxels[voxels.size() / 2];
  }

  // middle() of the first non-empty slice from `bound` upward, with the bound itself kept as its coordinate.
  std::optional<Index3> face_point(int axis, std::int64_t bound) const {
    for (std::int64_t slice = bound; slice <= max_[axis]; ++slice) {
      if (auto point = middle(axis, slice)) {
        (*point)[axis] = bound;
        return point;
      }
    }
    return std::nullopt;
  }

 private:
  bool has(const Index3& i) const {
    return grid_.labels[(i[0] * grid_.shape[1] + i[1]) * grid_.shape[2] + i[2]] == label_;
  }

  const LabelGrid& grid_;
  std::uint16_t label_;
  Index3 min_, max_;
};

ExtremePoints face_points(const OrganView& organ, const OrganView& in_plane, const LabelExtent& box) {
  ExtremePoints points;
  for (int side = 0; side < 2; ++side) {
    for (int axis = 0; axis < 3; ++axis) {
      const std::int64_t bound = side == 0 ? box.min[axis] : box.max[axis];
      // A z face may lie in the next part, so z faces always ask the whole organ.
      auto point = axis == 0 ? std::nullopt : in_plane.face_point(axis, bound);
      if (!point) point = organ.face_point(axis, bound);
      if (!point) throw Error(ErrorCode::kInternal, "An organ's bound has no voxel above it.");
      points[3 * side + axis] = *point;
    }
  }
  return points;
}

}  // namespace

ExtremePoints whole_points(const LabelGrid& grid, const LabelExtent& extent) {
  const OrganView organ(grid, extent);
  return face_points(organ, organ, extent);
}

std::vector<ExtremePoints> part_points(const LabelGrid& grid, const LabelExtent& extent, int parts,
                                       Conventions conventions) {
  const OrganView organ(grid, extent);
  const std::int64_t first = extent.min[0], last = extent.max[0];
  const std::int64_t step = (last - first) / parts;
  std::vector<ExtremePoints> all;
  LabelExtent box = extent;
  for (int i = 0; i < parts; ++i) {
    const std::int64_t begin = first + i * step;
    const std::int64_t end = i + 1 == parts ? last : begin + step;
    const bool closed = conventions == Conventions::kExact && i + 1 == parts;
    const OrganView part = organ.slab(begin, closed ? end : end - 1);
    if (const auto extent_of_part = part.extent()) box = *extent_of_part;  // else the previous part's
    box.min[0] = begin;
    box.max[0] = end;
    all.push_back(face_points(organ, conventions == Conventions::kExact ? part : organ, box));
  }
  return all;
}

std::vector<Index3> annotation_points(const LabelGrid& grid, std::span<const LabelledOrgan> organs,
                                      Conventions conventions, const Task& task) {
  const auto extents = label_extents(grid, task);
  std::vector<Index3> points;
  for (const LabelledOrgan& organ : organs) {
    task.check();
    const auto extent = std::ranges::find(extents, organ.label, &LabelExtent::label);
    if (extent == extents.end()) {
      throw Error(ErrorCode::kBadAnnotation,
                  "Label " + std::to_string(organ.label) + " has no voxel on the 3 mm grid.");
    }
    const auto parts = organ.cut ? part_points(grid, *extent, organ.parts, conventions)
                                 : std::vector{whole_points(grid, *extent)};
    for (const ExtremePoints& part : parts) points.insert(points.end(), part.begin(), part.end());
  }
  return points;
}

}  // namespace medlsam
