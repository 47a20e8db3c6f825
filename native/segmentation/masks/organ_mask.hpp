// One organ's segmentation, slice by slice, with the probability of each voxel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "segmentation/slices/layout.hpp"

namespace medlsam {

// The rectangle of a slice that contains all its foreground; empty if there is none.
struct SliceMask {
  std::int64_t top = 0, left = 0, height = 0, width = 0;
  std::vector<std::uint16_t> levels;  // height × width: 0 background, else 1 … 65535 for probabilities ½ … 1
  // Sum of the scan's stored values in the foreground, if whoever made the mask added them up: only where
  // every order of adding gives the same.
  std::optional<double> stored_sum;

  bool empty() const { return levels.empty(); }
};

// Values in place of the levels of masks that a GPU made. They are compared with each other where masks
// overlap, and with 0 elsewhere.
enum class MaskLevels : std::uint8_t {
  kAll,
  // In place of a level kMostProbable less the number of the slice's masks that are more probable there,
  // which is in the same order. Suffices where all masks of a scan are made in one go.
  kRanks,
};
inline constexpr std::uint16_t kMostProbable = 65535;

// Crops a slice's probabilities (height × width) to its foreground, those above kForeground.
// Throws kBadArgument for another number of probabilities.
SliceMask crop_mask(std::span<const float> probabilities, std::int64_t height, std::int64_t width);

// Masks by slice number. An organ fills a small part of a scan, so that 22 organs with their probabilities
// take less memory than a volume of bits for each. Different threads may set different slices.
struct OrganMask {
  explicit OrganMask(const SliceLayout& layout) : slices(layout.count) {}

  std::size_t voxels() const;

  std::vector<SliceMask> slices;
};

// Throws kBadArgument unless the mask has the slices of a volume and no rectangle exceeds its slice.
void require_mask_of(const OrganMask& mask, const SliceLayout& layout);

}  // namespace medlsam
