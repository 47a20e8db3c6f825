#include "core/slices/prompts.hpp"

#include <cmath>
#include <string>

#include "core/support/error.hpp"

namespace medlsam {
namespace {

void require_inside(const VoxelBox& box, const SliceLayout& layout) {
  const std::array<std::int64_t, 3> extent = {layout.count, layout.height, layout.width};
  for (int a = 0; a < 3; ++a) {
    const int axis = layout.axis[a];
    const std::int64_t min = box.min[axis], max = box.max[axis];
    if (min >= 0 && min <= max && max < extent[a]) continue;
    const std::string reason = min > max ? ": its bounds are exchanged."
                                         : "; the volume has voxels 0 to " + std::to_string(extent[a] - 1) +
                                               ". Clip the box to the volume.";
    throw Error(ErrorCode::kBadArgument, "A box runs from " + std::to_string(min) + " to " +
                                             std::to_string(max) + " along stored " + "zyx"[axis] + reason);
  }
}

}  // namespace

PromptBox box_prompt(const VoxelBox& box, const SliceLayout& layout, std::int64_t edge) {
  require_inside(box, layout);
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

std::vector<SlicePrompts> plan_prompts(std::span<const std::vector<VoxelBox>> organs,
                                       const SliceLayout& layout, std::int64_t edge) {
  std::vector<SlicePrompts> slices(layout.count);
  for (std::size_t organ = 0; organ < organs.size(); ++organ) {
    for (const VoxelBox& part : organs[organ]) {
      const PromptBox prompt = box_prompt(part, layout, edge);
      for (std::int64_t z = part.min[layout.axis[0]]; z <= part.max[layout.axis[0]]; ++z) {
        auto& [slice, present, boxes] = slices[z];
        slice = z;
        if (present.empty() || present.back() != organ) {
          present.push_back(organ);
          boxes.push_back(prompt);
        } else {
          boxes.back() = prompt;
        }
      }
    }
  }
  std::erase_if(slices, [](const SlicePrompts& slice) { return slice.organs.empty(); });
  return slices;
}

}  // namespace medlsam
