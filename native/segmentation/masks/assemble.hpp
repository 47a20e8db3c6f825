// Volumes on the stored grid from the masks of slices (algorithm.md part 6.6).
#pragma once

#include <cstdint>
#include <span>

#include "base/task.hpp"
#include "segmentation/masks/organ_mask.hpp"

namespace medlsam {

struct LabelledMask {
  const OrganMask* mask = nullptr;
  std::uint16_t label = 0;  // value of the organ's voxels
};

// The stored volume, x fastest: every voxel has the label of the organ that is most probable there, or 0. A
// tie goes to the organ listed first. A single mask of label 1 gives an organ's binary volume. Label:
// std::uint8_t or std::uint16_t. Throws kBadArgument for an `out` or masks of another volume and for labels
// that are 0 or too large for Label; kAborted.
template <class Label>
void assemble(std::span<const LabelledMask> masks, const SliceLayout& layout, std::span<Label> out,
              const Task& task);

}  // namespace medlsam
