#include "segmentation/masks/scan_masks.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <string>

#include "base/parallel.hpp"

namespace medlsam {
namespace {

// Calls use(value) for every voxel of a slice, row by row.
template <class Use>
void for_each_label(const Volume& labels, const SliceLayout& layout, std::size_t z, Use&& use) {
  with_stored_values(labels, [&](const auto* values) {
    for (std::int64_t y = 0; y < layout.height; ++y) {
      const auto* line = values + static_cast<std::int64_t>(z) * layout.stride[0] + y * layout.stride[1];
      for (std::int64_t x = 0; x < layout.width; ++x)
        use(static_cast<double>(line[x * layout.stride[2]]) * labels.slope + labels.intercept);
    }
  });
}

}  // namespace

ScanMasks::ScanMasks(const Affine& affine, const Index3& stored_shape, std::size_t count)
    : shape(stored_shape),
      layout(slice_layout(affine, stored_shape)),
      organs(count, OrganMask(slice_layout(affine, stored_shape))) {}

void set_mask(ScanMasks& masks, std::size_t organ, const VoxelBox& box,
              std::span<const float> probabilities) {
  Index3 extent{};
  std::int64_t voxels = 1;
  for (int a = 0; a < 3; ++a) {
    if (box.min[a] < 0 || box.min[a] > box.max[a] || box.max[a] >= masks.shape[a])
      throw Error(ErrorCode::kBadArgument, "A mask's box is not inside the volume.");
    extent[a] = box.max[a] - box.min[a] + 1;
    voxels *= extent[a];
  }
  if (probabilities.size() != static_cast<std::size_t>(voxels)) {
    throw Error(ErrorCode::kBadArgument, "A box of " + std::to_string(voxels) + " voxels came with " +
                                             std::to_string(probabilities.size()) + " probabilities.");
  }
  const SliceLayout& layout = masks.layout;
  const std::array<std::int64_t, 3> stride = {extent[1] * extent[2], extent[2], 1};
  const auto [slices, rows, columns] = layout.axis;
  OrganMask mask(layout);
  std::vector<float> slice(static_cast<std::size_t>(extent[rows] * extent[columns]));
  for (std::int64_t z = 0; z < extent[slices]; ++z) {
    float* out = slice.data();
    for (std::int64_t y = 0; y < extent[rows]; ++y) {
      const float* line = probabilities.data() + z * stride[slices] + y * stride[rows];
      for (std::int64_t x = 0; x < extent[columns]; ++x) *out++ = line[x * stride[columns]];
    }
    SliceMask& cropped = mask.slices[box.min[slices] + z] = crop_mask(slice, extent[rows], extent[columns]);
    cropped.top += box.min[rows];
    cropped.left += box.min[columns];
  }
  masks.organs.at(organ) = std::move(mask);
}

OrganMask mask_of_label(const Volume& labels, const SliceLayout& layout, std::int64_t label,
                        const Task& task) {
  OrganMask mask(layout);
  std::vector<std::vector<float>> slices(std::max(1u, task.threads), std::vector<float>(layout.pixels()));
  parallel_for(task, layout.count, [&](std::size_t z, std::size_t worker) {
    float* out = slices[worker].data();
    for_each_label(labels, layout, z, [&](double value) { *out++ = value == static_cast<double>(label); });
    mask.slices[z] = crop_mask(slices[worker], layout.height, layout.width);
  });
  return mask;
}

std::vector<std::int64_t> labelled_pixels(const Volume& labels, const SliceLayout& layout,
                                          std::span<const std::int32_t> wanted, const Task& task) {
  const std::set<double> chosen(wanted.begin(), wanted.end());
  std::vector<std::int64_t> counts(layout.count);
  parallel_for(task, layout.count, [&](std::size_t z, std::size_t) {
    for_each_label(labels, layout, z,
                   [&](double value) { counts[z] += value != 0 && chosen.contains(value); });
  });
  return counts;
}

MaskStatistics mask_statistics(const ScanMasks& masks, std::size_t organ, const Volume& volume,
                               const Task& task) {
  if (volume.shape != masks.shape)
    throw Error(ErrorCode::kBadArgument, "The masks are of a volume of another shape.");
  const SliceLayout& layout = masks.layout;
  const OrganMask& mask = masks.organs.at(organ);
  MaskStatistics statistics;
  double sum = 0;
  with_stored_values(volume, [&](const auto* values) {
    for (std::size_t z = 0; z < mask.slices.size(); ++z) {
      task.check();
      const SliceMask& slice = mask.slices[z];
      const std::uint16_t* level = slice.levels.data();
      statistics.voxels += slice.levels.size() - std::count(slice.levels.begin(), slice.levels.end(), 0);
      if (slice.stored_sum) {
        sum += *slice.stored_sum;
        continue;
      }
      for (std::int64_t y = slice.top; y < slice.top + slice.height; ++y) {
        const auto* line = values + static_cast<std::int64_t>(z) * layout.stride[0] + y * layout.stride[1];
        for (std::int64_t x = slice.left; x < slice.left + slice.width; ++x) {
          if (*level++ == 0) continue;
          sum += static_cast<double>(line[x * layout.stride[2]]);
        }
      }
    }
  });
  const auto count = static_cast<double>(statistics.voxels);
  statistics.mean = statistics.voxels == 0 ? std::numeric_limits<double>::quiet_NaN()
                                           : sum / count * volume.slope + volume.intercept;
  return statistics;
}

}  // namespace medlsam
