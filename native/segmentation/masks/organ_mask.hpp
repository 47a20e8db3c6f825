// One organ's segmentation, slice by slice, with how probable each of its voxels is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "segmentation/slices/layout.hpp"

namespace medlsam {

// The rectangle of a slice that holds all its foreground; nothing when there is none.
struct SliceMask {
  std::int64_t top = 0, left = 0, height = 0, width = 0;
  std::vector<std::uint16_t> levels;  // height × width: 0 background, else 1 … 65535 for probabilities ½ … 1

  bool empty() const { return levels.empty(); }
};

// Crops a slice's probabilities (height × width) to its foreground, those above kForeground.
// Throws kBadArgument when there are fewer or more.
SliceMask crop_mask(std::span<const float> probabilities, std::int64_t height, std::int64_t width);

// By slice number. An organ fills a small part of a scan, so 22 of them with their probabilities take less
// than one volume of bits each. Different slices may be set from different threads.
struct OrganMask {
  explicit OrganMask(const SliceLayout& layout) : slices(layout.count) {}

  std::size_t voxels() const;

  std::vector<SliceMask> slices;
};

// Throws kBadArgument unless the mask has a volume's slices, and none that reaches beyond its own.
void require_mask_of(const OrganMask& mask, const SliceLayout& layout);

}  // namespace medlsam
