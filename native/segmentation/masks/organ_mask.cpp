#include "segmentation/masks/organ_mask.hpp"

#include <algorithm>
#include <iterator>
#include <string>

#include "base/error.hpp"
#include "segmentation/masks/decode.hpp"

namespace medlsam {
namespace {

std::uint16_t level_of(float probability) {
  if (!(probability > kForeground)) return 0;
  const float above = (std::min(probability, 1.0f) - kForeground) / (1 - kForeground);
  return static_cast<std::uint16_t>(1 + above * 65534);
}

void require_fit(const SliceMask& slice, const SliceLayout& layout) {
  const bool inside = slice.top >= 0 && slice.height >= 0 && slice.height <= layout.height - slice.top &&
                      slice.left >= 0 && slice.width >= 0 && slice.width <= layout.width - slice.left &&
                      slice.levels.size() == static_cast<std::size_t>(slice.height * slice.width);
  if (!inside)
    throw Error(ErrorCode::kBadArgument, "A mask reaches beyond its slice: it is of another volume.");
}

}  // namespace

SliceMask crop_mask(std::span<const float> probabilities, std::int64_t height, std::int64_t width) {
  if (height < 0 || width < 0 || probabilities.size() != static_cast<std::size_t>(height * width)) {
    throw Error(ErrorCode::kBadArgument, "A mask of " + std::to_string(height) + " by " +
                                             std::to_string(width) + " pixels came with " +
                                             std::to_string(probabilities.size()) + " probabilities.");
  }
  std::int64_t top = height, bottom = -1, left = width, right = -1;
  for (std::int64_t y = 0; y < height; ++y) {
    const float* line = probabilities.data() + y * width;
    const auto is_foreground = [](float probability) { return probability > kForeground; };
    const std::int64_t first = std::find_if(line, line + width, is_foreground) - line;
    if (first == width) continue;
    std::int64_t last = width - 1;
    while (!is_foreground(line[last])) --last;
    top = std::min(top, y);
    bottom = y;
    left = std::min(left, first);
    right = std::max(right, last);
  }
  SliceMask mask;
  if (bottom < 0) return mask;
  mask = {top, left, bottom + 1 - top, right + 1 - left, {}, {}};
  mask.levels.reserve(mask.height * mask.width);
  for (std::int64_t y = top; y <= bottom; ++y) {
    const float* line = probabilities.data() + y * width;
    std::transform(line + left, line + right + 1, std::back_inserter(mask.levels), level_of);
  }
  return mask;
}

std::size_t OrganMask::voxels() const {
  std::size_t count = 0;
  for (const SliceMask& slice : slices) {
    count += slice.levels.size() - std::count(slice.levels.begin(), slice.levels.end(), 0);
  }
  return count;
}

void require_mask_of(const OrganMask& mask, const SliceLayout& layout) {
  if (mask.slices.size() != static_cast<std::size_t>(layout.count)) {
    throw Error(ErrorCode::kBadArgument, "A mask has " + std::to_string(mask.slices.size()) +
                                             " slices, the volume " + std::to_string(layout.count) + ".");
  }
  for (const SliceMask& slice : mask.slices) require_fit(slice, layout);
}

}  // namespace medlsam
