#include "segmentation/masks/assemble.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "base/parallel.hpp"

namespace medlsam {
namespace {

void require_arguments(std::span<const LabelledMask> masks, const SliceLayout& layout, std::size_t voxels,
                       std::uint16_t greatest) {
  if (voxels != static_cast<std::size_t>(layout.count * layout.pixels())) {
    throw Error(ErrorCode::kBadArgument, "The volume has " + std::to_string(layout.count * layout.pixels()) +
                                             " voxels; the buffer has " + std::to_string(voxels) + ".");
  }
  for (const auto& [mask, label] : masks) {
    if (label == 0 || label > greatest) {
      throw Error(ErrorCode::kBadArgument, "An organ cannot have the label " + std::to_string(label) +
                                               " here: labels are 1 to " + std::to_string(greatest) + ".");
    }
    require_mask_of(*mask, layout);
  }
}

}  // namespace

template <class Label>
void assemble(std::span<const LabelledMask> masks, const SliceLayout& layout, std::span<Label> out,
              const Task& task) {
  require_arguments(masks, layout, out.size(), std::numeric_limits<Label>::max());
  std::fill(out.begin(), out.end(), Label{0});
  std::vector<std::vector<std::uint16_t>> scratch(std::max(1u, task.threads));
  parallel_for(task, layout.count, [&](std::size_t z, std::size_t worker) {
    auto& best = scratch[worker];  // the highest level so far
    best.assign(layout.pixels(), 0);
    for (const auto& [mask, label] : masks) {
      const SliceMask& slice = mask->slices[z];
      const std::uint16_t* level = slice.levels.data();
      for (std::int64_t y = slice.top; y < slice.top + slice.height; ++y) {
        const std::int64_t line = static_cast<std::int64_t>(z) * layout.stride[0] + y * layout.stride[1];
        for (std::int64_t x = slice.left; x < slice.left + slice.width; ++x, ++level) {
          std::uint16_t& highest = best[y * layout.width + x];
          if (*level <= highest) continue;
          highest = *level;
          out[line + x * layout.stride[2]] = static_cast<Label>(label);
        }
      }
    }
  });
}

template void assemble(std::span<const LabelledMask>, const SliceLayout&, std::span<std::uint8_t>,
                       const Task&);
template void assemble(std::span<const LabelledMask>, const SliceLayout&, std::span<std::uint16_t>,
                       const Task&);

}  // namespace medlsam
