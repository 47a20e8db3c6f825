// Which boxes SAM is asked about on which slice (algorithm.md parts 6.3 and 6.5).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/slices/layout.hpp"
#include "core/volumes/voxel_box.hpp"

namespace medlsam {

// Left, top, right, bottom in pixels of SAM's square image; the margin may put them outside.
using PromptBox = std::array<float, 4>;

inline constexpr double kPromptMargin = 10;  // pixels of SAM's image, on every side

// The organ's box on its slices: scaled by edge/width and edge/height, rounded (half to even), grown by the
// margin. Throws kBadArgument for a box that is upside down or not inside the volume.
PromptBox box_prompt(const VoxelBox& box, const SliceLayout& layout, std::int64_t edge);

struct SlicePrompts {
  std::int64_t slice = 0;
  std::vector<std::size_t> organs;  // indices, ascending
  std::vector<PromptBox> boxes;     // one for each organ
};

// For every slice that any organ reaches, in order: its prompts. organs[i] are the boxes of organ i's parts
// (one without parts, none for an absent organ), both z bounds included. A slice of several parts of one
// organ belongs to the last of them, whose mask would replace the others'. Throws as box_prompt does.
std::vector<SlicePrompts> plan_prompts(std::span<const std::vector<VoxelBox>> organs,
                                       const SliceLayout& layout, std::int64_t edge);

}  // namespace medlsam
