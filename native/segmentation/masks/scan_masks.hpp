// The masks of all organs of one scan.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/task.hpp"
#include "segmentation/masks/organ_mask.hpp"
#include "volumes/volume.hpp"
#include "volumes/voxel_box.hpp"

namespace medlsam {

// Different organs may be filled from different threads.
struct ScanMasks {
  ScanMasks(const Affine& affine, const Index3& stored_shape, std::size_t count);

  Index3 shape{};  // of the stored volume
  SliceLayout layout;
  std::vector<OrganMask> organs;
};

// What a segmenter that is no slice-wise one found: the organ's probabilities in the box, (z, y, x) with x
// fastest, become its mask, replacing what it had; outside there is none. Throws kBadArgument for a box that
// is not inside the volume and for another number of probabilities.
void set_mask(ScanMasks& masks, std::size_t organ, const VoxelBox& box, std::span<const float> probabilities);

// The mask of one label of a label map, sure of every voxel.
OrganMask mask_of_label(const Volume& labels, const SliceLayout& layout, std::int64_t label,
                        const Task& task);

// How many voxels of each slice have one of these labels. Throws kAborted.
std::vector<std::int64_t> labelled_pixels(const Volume& labels, const SliceLayout& layout,
                                          std::span<const std::int32_t> wanted, const Task& task);

struct MaskStatistics {
  std::size_t voxels = 0;
  double mean = 0;  // of the volume's values (HU) in the mask; NaN for an empty mask
};

// Throws kBadArgument for a volume of another shape; kAborted.
MaskStatistics mask_statistics(const ScanMasks& masks, std::size_t organ, const Volume& volume,
                               const Task& task);

}  // namespace medlsam
