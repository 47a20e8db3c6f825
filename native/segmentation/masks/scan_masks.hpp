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

// Different threads may fill different organs.
struct ScanMasks {
  ScanMasks(const Affine& affine, const Index3& stored_shape, std::size_t count);

  Index3 shape{};  // shape of the stored volume
  SliceLayout layout;
  std::vector<OrganMask> organs;
};

// Sets an organ's mask from its probabilities in a box, (z, y, x) with x fastest, for segmenters that do not
// work slice by slice. Replaces the earlier mask; everything outside the box is background. Throws
// kBadArgument for a box that is not inside the volume and for another number of probabilities.
void set_mask(ScanMasks& masks, std::size_t organ, const VoxelBox& box, std::span<const float> probabilities);

// The mask of one label of a label map, with probability 1 for every voxel.
OrganMask mask_of_label(const Volume& labels, const SliceLayout& layout, std::int64_t label,
                        const Task& task);

// The number of voxels in each slice that have one of these labels. Throws kAborted.
std::vector<std::int64_t> labelled_pixels(const Volume& labels, const SliceLayout& layout,
                                          std::span<const std::int32_t> wanted, const Task& task);

struct MaskStatistics {
  std::size_t voxels = 0;
  double mean = 0;  // mean of the volume's values (HU) in the mask; NaN for an empty mask
};

// `volume`: the scan that the masks are of. Throws kBadArgument for a volume of another shape; kAborted.
MaskStatistics mask_statistics(const ScanMasks& masks, std::size_t organ, const Volume& volume,
                               const Task& task);

}  // namespace medlsam
