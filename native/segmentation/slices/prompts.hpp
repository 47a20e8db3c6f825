// Prompts for SAM on each slice (algorithm.md parts 6.3 and 6.5).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "networks/sam_prompts.hpp"
#include "segmentation/slices/layout.hpp"
#include "volumes/voxel_box.hpp"

namespace medlsam {

inline constexpr double kPromptMargin = 10;  // pixels of SAM's image, on every side

// The organ's box on its slices: scaled by edge/width and edge/height, rounded (half to even), grown by the
// margin; what of it lies outside the slice is not cut off. Throws kBadArgument for a box that is upside down
// or wholly outside the volume.
PromptBox box_prompt(const VoxelBox& box, const SliceLayout& layout, std::int64_t edge);

// A stored voxel (z, y, x) that is, or is not, in the organ.
struct VoxelPoint {
  Index3 voxel{};
  bool foreground = true;
};

// Boxes and points that show one organ in the volume. An absent organ has neither.
struct OrganPrompt {
  std::vector<VoxelBox> parts;
  std::vector<VoxelPoint> points;
};

// Prompt for one organ on a slice: the box of its part there, the points there, or both.
struct SlicePrompt {
  std::size_t organ = 0;
  std::optional<PromptBox> box;
  std::vector<PromptPoint> points;
};

struct SlicePrompts {
  std::int64_t slice = 0;
  std::vector<SlicePrompt> prompts;  // by rising organ, one for each
};

// For every slice that any organ reaches, in order: its prompts. A part's box holds from its first to its
// last slice, both included; a part wholly outside the volume prompts nothing, unless all of the organ's are.
// A point holds on its own slice, one of background only together with others. A slice of several parts of
// one organ belongs to the last of them, whose mask would replace the others'. Throws as box_prompt does, and
// for points outside the volume.
std::vector<SlicePrompts> plan_prompts(std::span<const OrganPrompt> organs, const SliceLayout& layout,
                                       std::int64_t edge);

}  // namespace medlsam
