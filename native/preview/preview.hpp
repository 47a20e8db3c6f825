// A picture of the organs found in a scan.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.hpp"
#include "preview/picture.hpp"
#include "segmentation/masks/organ_mask.hpp"
#include "volumes/voxel_box.hpp"

namespace medlsam {

struct PreviewOrgan {
  const OrganMask* mask = nullptr;  // null: only its boxes are known
  std::vector<VoxelBox> boxes{};    // of its parts; none: only its mask is known
  Color color{};
  std::string name{};  // UTF-8, for the legend; empty: not in it
};

// A slice's plane: across the axis of its number in the order of View.
enum class PreviewPlane { kAxial, kCoronal, kSagittal };
inline constexpr std::array kPreviewPlanes = {PreviewPlane::kAxial, PreviewPlane::kCoronal,
                                              PreviewPlane::kSagittal};

// A PNG of an axial, a coronal and a sagittal slice, or of those of `planes`, side by side, for a volume (HU)
// stored in any orientation: the patient's right on the left, anterior up or, in the sagittal slice, on the
// left, head up. Axes are the stored ones nearest to the patient's. All have the same millimeters per pixel,
// with 512 pixels for the volume's longest edge, and show −160 HU (black) to 240 HU (white). They go through
// the middle of the bounds of all organs (the boxes of each or, if it has none, its mask), or else of the
// volume.
//
// Where a slice cuts an organ, its mask has a contour one pixel wide, and each of its boxes a dashed frame;
// later organs cover earlier ones, contours cover frames. Boxes are clipped to the volume; one that is empty
// or outside is left out. Below the slices stands a legend: the color and the name of every organ that has a
// name and a voxel or a box in the volume. `description` is stored as PNG text, not drawn.
// Throws kBadVolume for a singular affine, kBadArgument for a mask of another volume or no plane, kAborted.
std::vector<std::byte> render_preview(const Volume& volume, std::span<const PreviewOrgan> organs,
                                      const Task& task, std::string_view description = {},
                                      std::span<const PreviewPlane> planes = kPreviewPlanes);

}  // namespace medlsam
