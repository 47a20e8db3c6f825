#include "preview/preview.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/parallel.hpp"
#include "preview/legend.hpp"
#include "preview/picture.hpp"
#include "preview/png.hpp"
#include "preview/view.hpp"

namespace medlsam {
namespace {

constexpr double kLongestEdge = 512;            // pixels of the volume's longest edge
constexpr double kBlack = -160, kWhite = 240;   // HU: the soft tissues
constexpr std::int64_t kGap = 4;                // pixels between two slices
constexpr Color kBackground = {64, 64, 64};     // around the slices, whose own air is black
constexpr std::int64_t kDash = 4, kPeriod = 6;  // pixels: of a frame's dash, to its next one

// The two stored voxels of an axis between which a pixel's center lies, and the one in which it lies.
struct Sample {
  std::int64_t low, high, nearest;
  double fraction;  // of the way from low to high
};

// A slice: the view's axes of its rows, its columns and across it.
struct Plane {
  int rows, columns, across;
};
constexpr std::array<Plane, 3> kPlanes = {{{1, 2, 0}, {0, 2, 1}, {0, 1, 2}}};  // in PreviewPlane's order

// Properties that the slices share.
struct Scene {
  View view;
  double pixel;    // mm
  Index3 through;  // the view's indices of the slices
  std::span<const PreviewOrgan> organs;

  double pixels_per_voxel(int axis) const { return view.spacing[axis] / pixel; }
  std::int64_t pixels(int axis) const {
    const double exact = static_cast<double>(view.shape[axis]) * pixels_per_voxel(axis);
    return std::max<std::int64_t>(1, std::llround(exact));
  }
};

std::vector<Sample> samples(const Scene& scene, int axis) {
  const auto last = static_cast<double>(scene.view.shape[axis] - 1);
  std::vector<Sample> all;
  for (std::int64_t i = 0; i < scene.pixels(axis); ++i) {
    const double voxels = (static_cast<double>(i) + 0.5) / scene.pixels_per_voxel(axis);  // from the edge
    const double at = std::clamp(voxels - 0.5, 0.0, last), low = std::floor(at);
    const auto stored = [&](double index) {
      return scene.view.stored(axis, static_cast<std::int64_t>(std::min(index, last)));
    };
    all.push_back({stored(low), stored(low + 1), stored(std::floor(voxels)), at - low});
  }
  return all;
}

std::uint8_t gray(double hu) {
  const double level = std::round((hu - kBlack) / (kWhite - kBlack) * 255);
  return level > 0 ? static_cast<std::uint8_t>(std::min(level, 255.0)) : 0;  // NaN: black
}

void draw_slice(Picture& picture, const Volume& volume, const Scene& scene, const Plane& plane,
                const std::vector<Sample>& rows, const std::vector<Sample>& columns) {
  const Index3& stride = scene.view.stride;
  with_stored_values(volume, [&](const auto* values) {
    const auto* slice =
        values + scene.view.stored(plane.across, scene.through[plane.across]) * stride[plane.across];
    for (std::int64_t y = 0; y < picture.height; ++y) {
      const auto *low = slice + rows[y].low * stride[plane.rows],
                 *high = slice + rows[y].high * stride[plane.rows];
      for (std::int64_t x = 0; x < picture.width; ++x) {
        const auto along = [&](const auto* line) {
          const auto left = static_cast<double>(line[columns[x].low * stride[plane.columns]]),
                     right = static_cast<double>(line[columns[x].high * stride[plane.columns]]);
          return left + (right - left) * columns[x].fraction;
        };
        const double above = along(low), below = along(high);
        const double stored = above + (below - above) * rows[y].fraction;
        const std::uint8_t level = gray(stored * volume.slope + volume.intercept);
        picture.set(x, y, {level, level, level});
      }
    }
  });
}

// `voxel`: stored indices in the order of the mask, slice, row, column.
bool is_foreground(const OrganMask& mask, const Index3& voxel) {
  const SliceMask& slice = mask.slices[voxel[0]];
  const std::int64_t y = voxel[1] - slice.top, x = voxel[2] - slice.left;
  const bool inside = y >= 0 && y < slice.height && x >= 0 && x < slice.width;
  return inside && slice.levels[y * slice.width + x] > 0;
}

// Colors the foreground's pixels that touch the background, or the picture's edge, by a side.
void draw_contour(Picture& picture, const PreviewOrgan& organ, const Scene& scene, const Plane& plane,
                  const std::vector<Sample>& rows, const std::vector<Sample>& columns) {
  const std::int64_t pitch = picture.width + 2;  // a margin of background on all sides
  std::vector<std::uint8_t> inside(pitch * (picture.height + 2));
  Index3 voxel;
  voxel[plane.across] = scene.view.stored(plane.across, scene.through[plane.across]);
  for (std::int64_t y = 0; y < picture.height; ++y) {
    voxel[plane.rows] = rows[y].nearest;
    for (std::int64_t x = 0; x < picture.width; ++x) {
      voxel[plane.columns] = columns[x].nearest;
      inside[(y + 1) * pitch + x + 1] = is_foreground(*organ.mask, voxel);
    }
  }
  for (std::int64_t y = 0; y < picture.height; ++y) {
    for (std::int64_t x = 0; x < picture.width; ++x) {
      const std::uint8_t* at = inside.data() + (y + 1) * pitch + x + 1;
      if (*at && !(at[-1] && at[1] && at[-pitch] && at[pitch])) picture.set(x, y, organ.color);
    }
  }
}

struct PixelRange {
  std::int64_t first, last;
};

// The pixels that voxels first … last of an axis cover, also in part.
PixelRange pixel_range(const Scene& scene, int axis, std::int64_t first, std::int64_t last) {
  const double scale = scene.pixels_per_voxel(axis);
  const std::int64_t limit = scene.pixels(axis) - 1;
  const auto begin = static_cast<std::int64_t>(std::floor(static_cast<double>(first) * scale));
  const auto end = static_cast<std::int64_t>(std::ceil(static_cast<double>(last + 1) * scale)) - 1;
  return {std::min(begin, limit), std::clamp(end, std::min(begin, limit), limit)};
}

void draw_frame(Picture& picture, const ViewBox& box, const Color& color, const Scene& scene,
                const Plane& plane) {
  const std::int64_t through = scene.through[plane.across];
  if (through < box.first[plane.across] || through > box.last[plane.across]) return;
  const auto rows = pixel_range(scene, plane.rows, box.first[plane.rows], box.last[plane.rows]);
  const auto columns = pixel_range(scene, plane.columns, box.first[plane.columns], box.last[plane.columns]);
  const auto is_dash = [](std::int64_t from_corner) { return from_corner % kPeriod < kDash; };
  for (std::int64_t x = columns.first; x <= columns.last; ++x) {
    if (!is_dash(x - columns.first)) continue;
    picture.set(x, rows.first, color);
    picture.set(x, rows.last, color);
  }
  for (std::int64_t y = rows.first; y <= rows.last; ++y) {
    if (!is_dash(y - rows.first)) continue;
    picture.set(columns.first, y, color);
    picture.set(columns.last, y, color);
  }
}

Picture draw_plane(const Volume& volume, const Scene& scene, const Plane& plane, const Task& task) {
  const std::vector<Sample> rows = samples(scene, plane.rows), columns = samples(scene, plane.columns);
  Picture picture(scene.pixels(plane.columns), scene.pixels(plane.rows));
  draw_slice(picture, volume, scene, plane, rows, columns);
  for (const PreviewOrgan& organ : scene.organs) {
    for (const VoxelBox& stored : organ.boxes) {
      if (const auto box = in_view(scene.view, stored)) {
        draw_frame(picture, *box, organ.color, scene, plane);
      }
    }
  }
  for (const PreviewOrgan& organ : scene.organs) {
    task.check();
    if (organ.mask) draw_contour(picture, organ, scene, plane, rows, columns);
  }
  return picture;
}

// The smallest box around all organs; the whole volume if there is nothing to enclose.
ViewBox region(const View& view, std::span<const PreviewOrgan> organs) {
  VoxelBox all = kNoVoxels;
  for (const PreviewOrgan& organ : organs) {
    for (const VoxelBox& box : organ.boxes) {
      if (in_view(view, box)) all.include(box);
    }
    if (organ.boxes.empty() && organ.mask) all.include(stored_bounds(view, *organ.mask));
  }
  return in_view(view, all).value_or(
      ViewBox{{0, 0, 0}, {view.shape[0] - 1, view.shape[1] - 1, view.shape[2] - 1}});
}

Scene scene_of(const Volume& volume, std::span<const PreviewOrgan> organs) {
  const View view = view_of(volume);
  double longest = 0;  // mm
  for (int a = 0; a < 3; ++a) {
    longest = std::max(longest, static_cast<double>(view.shape[a]) * view.spacing[a]);
  }
  if (!std::isfinite(longest)) {
    throw Error(ErrorCode::kBadVolume,
                "The volume's edges are of no finite length. Correct the spacing in its header.");
  }
  const ViewBox box = region(view, organs);
  Scene scene{view, longest / kLongestEdge, {}, organs};
  for (int a = 0; a < 3; ++a) scene.through[a] = (box.first[a] + box.last[a]) / 2;
  return scene;
}

// Places the slices side by side, centered on one line.
Picture join(std::span<const Picture> parts) {
  std::int64_t width = -kGap, height = 0;
  for (const Picture& part : parts) {
    width += part.width + kGap;
    height = std::max(height, part.height);
  }
  Picture whole(width, height, kBackground);
  std::int64_t left = 0;
  for (const Picture& part : parts) {
    whole.paste(part, left, (height - part.height) / 2);
    left += part.width + kGap;
  }
  return whole;
}

// Whether the pictures can show anything of it.
bool is_there(const View& view, const PreviewOrgan& organ) {
  const auto is_seen = [&](const VoxelBox& box) { return in_view(view, box).has_value(); };
  return std::ranges::any_of(organ.boxes, is_seen) ||
         (organ.mask && stored_bounds(view, *organ.mask).is_upright());
}

// The picture with the organs' names below it, or unchanged if none has a name.
Picture with_legend(Picture picture, const Scene& scene) {
  std::vector<LegendEntry> entries;
  for (const PreviewOrgan& organ : scene.organs) {
    if (!organ.name.empty() && is_there(scene.view, organ)) entries.push_back({organ.name, organ.color});
  }
  const Picture legend = draw_legend(entries, picture.width, picture.height / 2, kBackground);
  Picture whole(picture.width, picture.height + legend.height);
  whole.paste(picture, 0, 0);
  whole.paste(legend, 0, picture.height);
  return whole;
}

}  // namespace

std::vector<std::byte> render_preview(const Volume& volume, std::span<const PreviewOrgan> organs,
                                      const Task& task, std::string_view description,
                                      std::span<const PreviewPlane> planes) {
  if (planes.empty()) throw Error(ErrorCode::kBadArgument, "A preview needs a plane at least.");
  const SliceLayout layout = slice_layout(volume.affine, volume.shape);
  for (const PreviewOrgan& organ : organs) {
    if (organ.mask) require_mask_of(*organ.mask, layout);
  }
  const Scene scene = scene_of(volume, organs);
  std::vector<Picture> parts(planes.size(), Picture(0, 0));
  parallel_for(task, parts.size(), [&](std::size_t i, std::size_t) {
    parts[i] = draw_plane(volume, scene, kPlanes[static_cast<std::size_t>(planes[i])], task);
  });
  const Picture whole = with_legend(join(parts), scene);
  task.check();
  return encode_png(whole.rgb, whole.width, whole.height, description);
}

}  // namespace medlsam
