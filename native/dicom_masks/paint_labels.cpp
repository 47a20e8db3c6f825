#include "dicom_masks/paint_labels.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <string>

#include "base/parallel.hpp"

namespace medlsam {
namespace {

// Parts of one label on one image, and their voxels.
struct Group {
  std::int32_t image = 0, label = 0;
  std::vector<std::size_t> parts;
  std::int64_t voxels = 0;
};

std::vector<Group> grouped(std::span<const AnnotationPart> parts) {
  std::map<std::pair<std::int32_t, std::int32_t>, Group> groups;
  for (std::size_t part = 0; part < parts.size(); ++part) {
    const auto [label, image] = parts[part];
    if (label < 1 || label > std::numeric_limits<std::uint16_t>::max())
      throw Error(ErrorCode::kBadArgument, "An annotation's labels are 1 to 65535.");
    Group& group = groups[{image, label}];
    group.image = image;
    group.label = label;
    group.parts.push_back(part);
  }
  std::vector<Group> list;
  for (auto& [key, group] : groups) list.push_back(std::move(group));
  return list;
}

// Labels, those of most voxels first.
std::vector<std::int32_t> largest_first(std::span<const Group> groups) {
  std::map<std::int32_t, std::int64_t> voxels;
  for (const Group& group : groups) voxels[group.label] += group.voxels;
  std::vector<std::int32_t> labels;
  for (const auto& [label, count] : voxels) labels.push_back(label);
  std::stable_sort(labels.begin(), labels.end(),
                   [&](std::int32_t a, std::int32_t b) { return voxels[a] > voxels[b]; });
  return labels;
}

template <class Label>
void paint(std::span<const Group> groups, const FlipPart& flip, const AnnotatedGrid& grid, Volume& volume,
           const Task& task) {
  const auto labels = largest_first(groups);
  std::map<std::int32_t, std::vector<const Group*>> by_image;
  for (const std::int32_t label : labels) {
    for (const Group& group : groups)
      if (group.label == label) by_image[group.image].push_back(&group);
  }
  const auto pixels = static_cast<std::size_t>(grid.shape[1] * grid.shape[2]);
  auto* voxels = reinterpret_cast<Label*>(volume.data.data());
  parallel_for(task, grid.images.size(), [&](std::size_t z, std::size_t) {
    const auto found = by_image.find(grid.images[z]);
    if (found == by_image.end()) return;
    std::vector<std::uint8_t> mask(pixels);
    for (const Group* group : found->second) {
      std::fill(mask.begin(), mask.end(), std::uint8_t{0});
      for (const std::size_t part : group->parts) flip(part, mask);
      Label* slice = voxels + z * pixels;
      for (std::size_t i = 0; i < pixels; ++i)
        if (mask[i] != 0) slice[i] = static_cast<Label>(group->label);
    }
  });
}

}  // namespace

Volume paint_labels(std::span<const AnnotationPart> parts, const FlipPart& flip, const AnnotatedGrid& grid,
                    const Task& task) {
  auto groups = grouped(parts);
  const auto pixels = static_cast<std::size_t>(grid.shape[1] * grid.shape[2]);
  if (grid.images.size() != static_cast<std::size_t>(grid.shape[0]))
    throw Error(ErrorCode::kBadArgument, "Every slice of the scan shows one image.");
  std::vector<std::vector<std::uint8_t>> scratch(std::max(1u, task.threads),
                                                 std::vector<std::uint8_t>(pixels));
  parallel_for(task, groups.size(), [&](std::size_t i, std::size_t worker) {
    auto& mask = scratch[worker];
    std::fill(mask.begin(), mask.end(), std::uint8_t{0});
    for (const std::size_t part : groups[i].parts) flip(part, mask);
    groups[i].voxels = std::count_if(mask.begin(), mask.end(), [](std::uint8_t pixel) { return pixel != 0; });
  });
  const bool wide =
      std::any_of(parts.begin(), parts.end(), [](const auto& part) { return part.label > 255; });
  Volume volume;
  volume.shape = grid.shape;
  volume.affine = grid.affine;
  volume.dtype = wide ? DType::kU16 : DType::kU8;
  volume.data.resize(volume.voxels() * (wide ? 2 : 1));
  if (wide) {
    paint<std::uint16_t>(groups, flip, grid, volume, task);
  } else {
    paint<std::uint8_t>(groups, flip, grid, volume, task);
  }
  return volume;
}

Volume labels_of_frames(const FramePixels& pixels, std::span<const FramePart> frames,
                        std::span<const AnnotationPart> parts, const AnnotatedGrid& grid, const Task& task) {
  const std::int64_t size = grid.shape[1] * grid.shape[2];
  const auto count = static_cast<std::int64_t>(pixels.bytes.size()) * 8 / (size * pixels.bits);
  for (const FramePart& part : frames) {
    if (part.frame < 0 || part.frame >= count || frames.size() != parts.size())
      throw Error(ErrorCode::kBadArgument, "A segmentation's frame is not in its pixels.");
  }
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(pixels.bytes.data());
  const auto flip = [&](std::size_t part, std::span<std::uint8_t> mask) {
    const auto [frame, value] = frames[part];
    const std::int64_t first = frame * size;
    for (std::int64_t i = 0; i < size; ++i) {
      const std::int64_t at = first + i;
      const int pixel = pixels.bits == 1   ? bytes[at >> 3] >> (at & 7) & 1
                        : pixels.bits == 8 ? bytes[at]
                                           : bytes[2 * at] | bytes[2 * at + 1] << 8;
      mask[static_cast<std::size_t>(i)] ^= static_cast<std::uint8_t>(pixel == value);
    }
  };
  return paint_labels(parts, flip, grid, task);
}

namespace {

// Half the distance between neighboring images along their normal; for a single one nothing limits it.
double half_step(std::span<const PlaneFrame> frames) {
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = 1; i < frames.size(); ++i)
    least = std::min(least, std::abs(point_in_plane(frames[i].origin, frames[i - 1]).distance));
  return least / 2;
}

std::size_t nearest_image(const Point3& point, std::span<const PlaneFrame> frames) {
  const auto distance = [&](const PlaneFrame& frame) {
    return std::abs(point_in_plane(point, frame).distance);
  };
  const auto nearest =
      std::min_element(frames.begin(), frames.end(),
                       [&](const PlaneFrame& a, const PlaneFrame& b) { return distance(a) < distance(b); });
  return static_cast<std::size_t>(nearest - frames.begin());
}

}  // namespace

Volume labels_of_contours(std::string_view text, std::span<const ContourPart> contours,
                          std::vector<AnnotationPart> parts, std::span<const PlaneFrame> frames,
                          const AnnotatedGrid& grid, const Task& task) {
  if (frames.empty() || contours.size() != parts.size())
    throw Error(ErrorCode::kBadArgument, "Contours need images to lie on.");
  constexpr double kRounding = 0.01;  // mm
  const double reach = half_step(frames) + kRounding;
  std::vector<std::vector<PlanePoint>> points(parts.size());
  parallel_for(task, parts.size(), [&](std::size_t i, std::size_t) {
    const auto [offset, length] = contours[i];
    const auto whole = static_cast<std::int64_t>(text.size());
    if (offset < 0 || length < 0 || offset > whole || length > whole - offset)
      throw Error(ErrorCode::kBadArgument, "A contour's text is not in its file.");
    const auto given =
        parse_contour(text.substr(static_cast<std::size_t>(offset), static_cast<std::size_t>(length)));
    std::int32_t& image = parts[i].image;
    if (image >= static_cast<std::int32_t>(frames.size()))
      throw Error(ErrorCode::kBadArgument, "A contour's image is not one of the series.");
    if (image < 0) image = static_cast<std::int32_t>(nearest_image(given.front(), frames));
    for (const Point3& point : given) {
      const auto found = point_in_plane(point, frames[static_cast<std::size_t>(image)]);
      const bool is_finite = std::isfinite(found.point.x) && std::isfinite(found.point.y);
      if (!is_finite || !(std::abs(found.distance) <= reach)) {
        throw Error(ErrorCode::kBadAnnotation, "a contour lies " + std::to_string(std::abs(found.distance)) +
                                                   " mm off the nearest image of the scan: it is of another "
                                                   "scan, or not in the images' planes.");
      }
      points[i].push_back(found.point);
    }
  });
  const auto flip = [&](std::size_t part, std::span<std::uint8_t> mask) {
    flip_inside(points[part], grid.shape[1], grid.shape[2], mask);
  };
  return paint_labels(parts, flip, grid, task);
}

}  // namespace medlsam
