#include "metrics/surfaces.hpp"

#include <algorithm>
#include <string>

#include "base/parallel.hpp"
#include "base/simd.hpp"
#include "volumes/voxel_box.hpp"

namespace medlsam {
namespace {

MEDLSAM_INLINE bool any_foreground(const std::uint8_t* a, const std::uint8_t* b, std::int64_t count) {
  std::uint8_t any = 0;
  for (std::int64_t i = 0; i < count; ++i) any |= a[i] | b[i];
  return any != 0;
}

// The smallest box around the foreground of both.
VoxelBox union_bounds(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b, const Index3& shape,
                      const Task& task) {
  const std::int64_t planes = shape[0], lines = shape[1], width = shape[2];
  std::vector<VoxelBox> per_plane(planes, kNoVoxels);
  parallel_for(task, planes, [&](std::size_t index, std::size_t) {
    const auto z = static_cast<std::int64_t>(index);
    for (std::int64_t y = 0; y < lines; ++y) {
      const std::uint8_t *in_a = a.data() + (z * lines + y) * width,
                         *in_b = b.data() + (z * lines + y) * width;
      if (!run_simd<any_foreground>(in_a, in_b, width)) continue;
      std::int64_t first = 0, last = width - 1;
      while (!(in_a[first] | in_b[first])) ++first;
      while (!(in_a[last] | in_b[last])) --last;
      per_plane[z].include({{z, y, first}, {z, y, last}});
    }
  });
  VoxelBox bounds = kNoVoxels;
  for (const VoxelBox& plane : per_plane) bounds.include(plane);
  return bounds;
}

void require_pair(std::size_t a, std::size_t b, const Index3& shape) {
  for (std::int64_t length : shape) {
    if (length >= 1 && length <= 65533) continue;
    throw Error(ErrorCode::kBadArgument, "Masks with an axis of " + std::to_string(length) +
                                             " voxels cannot be compared: 1 to 65533 can.");
  }
  const auto voxels = static_cast<std::size_t>(shape[0] * shape[1] * shape[2]);
  if (a == voxels && b == voxels) return;
  throw Error(ErrorCode::kBadArgument, "Masks of " + std::to_string(a) + " and " + std::to_string(b) +
                                           " voxels cannot be compared on a grid of " +
                                           std::to_string(voxels) + ": they must lie on the same grid.");
}

// Calls collect(z, list of that plane) for planes [0, count) in parallel, then joins their lists in order.
template <class Item, class Collect>
std::vector<Item> collect_planes(std::int64_t count, const Task& task, Collect&& collect) {
  std::vector<std::vector<Item>> planes(count);
  parallel_for(task, count,
               [&](std::size_t z, std::size_t) { collect(static_cast<std::int64_t>(z), planes[z]); });
  std::vector<Item> all;
  for (const auto& plane : planes) all.insert(all.end(), plane.begin(), plane.end());
  return all;
}

// removed[i]: 1 where line[i] is foreground and one of its six neighbors is not.
MEDLSAM_INLINE void mark_surface(const std::uint8_t* line, std::int64_t width, std::int64_t plane,
                                 std::int64_t count, std::uint8_t* removed) {
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint8_t* v = line + i;
    removed[i] = v[0] & ~(v[-1] & v[1] & v[-width] & v[width] & v[-plane] & v[plane]);
  }
}

// codes[i]: which voxels of the cell that starts at line[i] are foreground.
MEDLSAM_INLINE void mark_cells(const std::uint8_t* line, std::int64_t width, std::int64_t plane,
                               std::int64_t count, std::uint8_t* codes) {
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint8_t *near = line + i, *far = near + plane;
    codes[i] = static_cast<std::uint8_t>(near[0] | near[1] << 1 | near[width] << 2 | near[width + 1] << 3 |
                                         far[0] << 4 | far[1] << 5 | far[width] << 6 | far[width + 1] << 7);
  }
}

}  // namespace

MaskPair crop_pair(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b, const Index3& shape,
                   const Task& task) {
  require_pair(a.size(), b.size(), shape);
  const VoxelBox bounds = union_bounds(a, b, shape, task);
  MaskPair pair;
  if (!bounds.is_upright()) return pair;
  const Index3 extent = bounds.extent();
  for (int i = 0; i < 3; ++i) pair.shape[i] = extent[i] + 2;
  const auto crop = [&](std::span<const std::uint8_t> mask) {
    std::vector<std::uint8_t> cropped(pair.shape[0] * pair.shape[1] * pair.shape[2]);
    parallel_for(task, extent[0], [&](std::size_t z, std::size_t) {
      for (std::int64_t y = 0; y < extent[1]; ++y) {
        const std::uint8_t* from =
            mask.data() +
            ((bounds.min[0] + static_cast<std::int64_t>(z)) * shape[1] + bounds.min[1] + y) * shape[2] +
            bounds.min[2];
        std::uint8_t* to =
            cropped.data() + ((static_cast<std::int64_t>(z) + 1) * pair.shape[1] + y + 1) * pair.shape[2] + 1;
        std::transform(from, from + extent[2], to,
                       [](std::uint8_t voxel) { return std::uint8_t{voxel != 0}; });
      }
    });
    return cropped;
  };
  pair.a = crop(a);
  pair.b = crop(b);
  return pair;
}

std::vector<std::int64_t> surface_voxels(std::span<const std::uint8_t> mask, const Index3& shape,
                                         const Task& task) {
  const std::int64_t width = shape[2], plane = shape[1] * width;
  return collect_planes<std::int64_t>(
      shape[0] - 2, task, [&](std::int64_t z, std::vector<std::int64_t>& found) {
        std::vector<std::uint8_t> removed(width - 2);
        for (std::int64_t y = 1; y < shape[1] - 1; ++y) {
          const std::int64_t line = (z + 1) * plane + y * width + 1;
          run_simd<mark_surface>(mask.data() + line, width, plane, width - 2, removed.data());
          for (std::int64_t x = 0; x < width - 2; ++x) {
            if (removed[x]) found.push_back(line + x);
          }
        }
      });
}

Surfels surfels(std::span<const std::uint8_t> mask, const Index3& shape, const std::array<double, 256>& areas,
                const Task& task) {
  const std::int64_t width = shape[2], plane = shape[1] * width;
  struct Surfel {
    std::int64_t cell;
    double area;
  };
  const auto found =
      collect_planes<Surfel>(shape[0] - 1, task, [&](std::int64_t z, std::vector<Surfel>& in_plane) {
        std::vector<std::uint8_t> codes(width - 1);
        for (std::int64_t y = 0; y < shape[1] - 1; ++y) {
          const std::int64_t line = z * plane + y * width;
          run_simd<mark_cells>(mask.data() + line, width, plane, width - 1, codes.data());
          for (std::int64_t x = 0; x < width - 1; ++x) {
            if (codes[x] != 0 && codes[x] != 255) in_plane.push_back({line + x, areas[codes[x]]});
          }
        }
      });
  Surfels surface;
  for (const auto& [cell, area] : found) {
    surface.cells.push_back(cell);
    surface.areas.push_back(area);
  }
  return surface;
}

}  // namespace medlsam
