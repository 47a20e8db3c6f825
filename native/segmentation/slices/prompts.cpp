#include "segmentation/slices/prompts.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.hpp"

namespace medlsam {
namespace {

void require_overlap(const VoxelBox& box, const SliceLayout& layout) {
  const std::array<std::int64_t, 3> extent = {layout.count, layout.height, layout.width};
  for (int a = 0; a < 3; ++a) {
    const int axis = layout.axis[a];
    const std::int64_t min = box.min[axis], max = box.max[axis];
    if (min <= max && max >= 0 && min < extent[a]) continue;
    const std::string reason =
        min > max ? ": its bounds are exchanged."
                  : ", outside the volume, which has voxels 0 to " + std::to_string(extent[a] - 1) + ".";
    throw Error(ErrorCode::kBadArgument, "A prompt runs from " + std::to_string(min) + " to " +
                                             std::to_string(max) + " along stored " + "zyx"[axis] + reason);
  }
}

// The middle of the voxel, as the half-pixel centers of the resized slice have it.
PromptPoint point_prompt(const VoxelPoint& point, const SliceLayout& layout, std::int64_t edge) {
  const auto scaled = [edge](std::int64_t index, std::int64_t pixels) {
    const double middle = static_cast<double>(index) + 0.5;
    return static_cast<float>(middle * static_cast<double>(edge) / static_cast<double>(pixels) - 0.5);
  };
  return {scaled(point.voxel[layout.axis[2]], layout.width),
          scaled(point.voxel[layout.axis[1]], layout.height), point.foreground};
}

// Points of the background do not show where the organ is.
bool shows_nothing(const SlicePrompt& prompt) {
  return !prompt.box && std::none_of(prompt.points.begin(), prompt.points.end(),
                                     [](const PromptPoint& point) { return point.foreground; });
}

}  // namespace

PromptBox box_prompt(const VoxelBox& box, const SliceLayout& layout, std::int64_t edge) {
  require_overlap(box, layout);
  const auto scaled = [edge](std::int64_t bound, std::int64_t pixels, double margin) {
    const double place = static_cast<double>(bound) * static_cast<double>(edge) / static_cast<double>(pixels);
    return static_cast<float>(std::nearbyint(place) + margin);
  };
  const int rows = layout.axis[1], columns = layout.axis[2];
  return {scaled(box.min[columns], layout.width, -kPromptMargin),
          scaled(box.min[rows], layout.height, -kPromptMargin),
          scaled(box.max[columns], layout.width, kPromptMargin),
          scaled(box.max[rows], layout.height, kPromptMargin)};
}

std::vector<SlicePrompts> plan_prompts(std::span<const OrganPrompt> organs, const SliceLayout& layout,
                                       std::int64_t edge) {
  std::vector<SlicePrompts> slices(layout.count);
  const Index3 shape = layout.stored_shape();
  const auto prompt_on = [&slices](std::int64_t z, std::size_t organ) -> SlicePrompt& {
    auto& [slice, prompts] = slices[z];
    slice = z;
    if (prompts.empty() || prompts.back().organ != organ) prompts.push_back({organ, std::nullopt, {}});
    return prompts.back();
  };
  for (std::size_t organ = 0; organ < organs.size(); ++organ) {
    const auto& parts = organs[organ].parts;
    const auto is_seen = [&](const VoxelBox& part) { return part.meets(shape); };
    const bool some_seen = std::ranges::any_of(parts, is_seen);
    for (const VoxelBox& part : parts) {
      if (some_seen && part.is_upright() && !is_seen(part)) continue;
      const PromptBox box = box_prompt(part, layout, edge);
      const int axis = layout.axis[0];
      const std::int64_t last = std::min(part.max[axis], layout.count - 1);
      for (std::int64_t z = std::max<std::int64_t>(part.min[axis], 0); z <= last; ++z)
        prompt_on(z, organ).box = box;
    }
    for (const VoxelPoint& point : organs[organ].points) {
      require_overlap({point.voxel, point.voxel}, layout);
      prompt_on(point.voxel[layout.axis[0]], organ).points.push_back(point_prompt(point, layout, edge));
    }
  }
  for (SlicePrompts& slice : slices) std::erase_if(slice.prompts, shows_nothing);
  std::erase_if(slices, [](const SlicePrompts& slice) { return slice.prompts.empty(); });
  return slices;
}

}  // namespace medlsam
