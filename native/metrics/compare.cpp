#include "metrics/compare.hpp"

#include <algorithm>
#include <mutex>
#include <numeric>
#include <string>

#include "base/parallel.hpp"
#include "base/simd.hpp"
#include "metrics/overlap.hpp"
#include "volumes/label_values.hpp"

namespace medlsam {
namespace {

constexpr int kLabels = 65536;

MEDLSAM_INLINE bool all_zero(const std::byte* bytes, std::size_t count) {
  auto any = std::byte{0};
  for (std::size_t i = 0; i < count; ++i) any |= bytes[i];
  return any == std::byte{0};
}

// The labels of `count` stored voxels from `first` on.
void read_labels(const Volume& volume, std::int64_t first, std::int64_t count, std::uint16_t* labels) {
  with_stored_values(volume, [&](const auto* values) {
    const auto* from = values + first;
    // Label maps are runs of one value: a run is checked once.
    for (std::int64_t i = 0; i < count;) {
      const std::uint16_t label = to_label(from[i], volume.slope, volume.intercept);
      const auto stored = from[i];
      for (; i < count && from[i] == stored; ++i) labels[i] = label;
    }
  });
}

// A line of background needs no look at its values, and most lines are that.
bool is_background(const Volume& volume, std::int64_t first, std::int64_t count) {
  const auto size = static_cast<std::int64_t>(dtype_size(volume.dtype));
  return volume.intercept == 0 && run_simd<all_zero>(volume.data.data() + first * size, count * size);
}

void include(LabelCount& count, std::uint64_t voxels, const Index3& first, const Index3& last) {
  if (count.voxels == 0) count.box = kNoVoxels;
  count.voxels += voxels;
  count.box.include({first, last});
}

void count_plane(const Volume& volume, std::int64_t z, std::vector<std::uint16_t>& line,
                 std::vector<LabelCount>& counts) {
  const std::int64_t width = volume.shape[2];
  for (std::int64_t y = 0; y < volume.shape[1]; ++y) {
    const std::int64_t first = (z * volume.shape[1] + y) * width;
    if (is_background(volume, first, width)) continue;
    read_labels(volume, first, width, line.data());
    for (std::int64_t x = 0; x < width;) {
      const std::int64_t start = x;
      const std::uint16_t label = line[x];
      while (x < width && line[x] == label) ++x;
      if (label == 0) continue;
      if (label >= counts.size()) counts.resize(label + 1);
      include(counts[label], x - start, {z, y, start}, {z, y, x - 1});
    }
  }
}

struct Organ {
  const LabelCount *prediction = nullptr, *truth = nullptr;  // null for an empty mask
};

const LabelCount* find(const std::vector<LabelCount>& counts, int label) {
  if (label < 0 || label >= kLabels) {
    throw Error(ErrorCode::kBadArgument,
                "Label " + std::to_string(label) + " is out of range: labels are 0 to 65535.");
  }
  const auto found =
      std::lower_bound(counts.begin(), counts.end(), label,
                       [](const LabelCount& count, int wanted) { return count.label < wanted; });
  return found != counts.end() && found->label == label ? &*found : nullptr;
}

VoxelBox box_around(const Organ& organ) {
  VoxelBox box = kNoVoxels;
  if (organ.prediction) box.include(organ.prediction->box);
  if (organ.truth) box.include(organ.truth->box);
  return box;
}

std::int64_t size_of(const Organ& organ) {
  if (!organ.prediction && !organ.truth) return 0;
  const auto [planes, lines, width] = box_around(organ).extent();
  return planes * lines * width;
}

// The label's voxels inside the box, with one voxel of background around.
std::vector<std::uint8_t> cut_out(const Volume& volume, const LabelCount* organ, const VoxelBox& box,
                                  const Index3& shape, const Task& task) {
  std::vector<std::uint8_t> mask(shape[0] * shape[1] * shape[2]);
  if (!organ) return mask;
  const std::int64_t width = shape[2] - 2;
  parallel_for(task, shape[0] - 2, [&](std::size_t plane, std::size_t) {
    const auto z = static_cast<std::int64_t>(plane);
    std::vector<std::uint16_t> line(width);
    for (std::int64_t y = 0; y < shape[1] - 2; ++y) {
      const std::int64_t first =
          ((box.min[0] + z) * volume.shape[1] + box.min[1] + y) * volume.shape[2] + box.min[2];
      read_labels(volume, first, width, line.data());
      std::transform(line.begin(), line.end(), mask.begin() + ((z + 1) * shape[1] + y + 1) * shape[2] + 1,
                     [&](std::uint16_t label) { return std::uint8_t{label == organ->label}; });
    }
  });
  return mask;
}

MaskPair cut_pair(const Volume& prediction, const Volume& truth, const Organ& organ, const Task& task) {
  MaskPair pair;
  if (!organ.prediction && !organ.truth) return pair;
  const VoxelBox box = box_around(organ);
  for (int a = 0; a < 3; ++a) pair.shape[a] = box.max[a] + 3 - box.min[a];
  pair.a = cut_out(prediction, organ.prediction, box, pair.shape, task);
  pair.b = cut_out(truth, organ.truth, box, pair.shape, task);
  return pair;
}

OrganComparison compare(const Volume& prediction, const Volume& truth, const Organ& organ, double tolerance,
                        const Task& task) {
  OrganComparison result;
  if (organ.prediction) {
    result.prediction_voxels = organ.prediction->voxels;
    result.prediction_box = organ.prediction->box;
  }
  if (organ.truth) {
    result.truth_voxels = organ.truth->voxels;
    result.truth_box = organ.truth->box;
  }
  const auto edges = spacing(truth.affine);
  const MaskPair pair = cut_pair(prediction, truth, organ, task);
  result.dice = dice(pair.a, pair.b);
  result.distances = surface_distances(pair, edges, task);
  result.surface_dice = surface_dice(pair, edges, tolerance, task);
  return result;
}

void require_same_shape(const Volume& a, const Volume& b) {
  if (a.shape != b.shape) {
    throw Error(ErrorCode::kBadArgument,
                "Label maps of different shapes cannot be compared: they must lie on the same grid.");
  }
  for (std::int64_t length : a.shape) {
    if (length <= 65533) continue;
    throw Error(ErrorCode::kBadArgument, "Label maps with an axis of " + std::to_string(length) +
                                             " voxels cannot be compared: up to 65533 can.");
  }
}

}  // namespace

std::vector<LabelCount> count_labels(const Volume& volume, const Task& task) {
  struct Scratch {
    std::vector<std::uint16_t> line;
    std::vector<LabelCount> counts;  // by label, as far as labels were seen: most maps need few of 65536
  };
  std::vector<Scratch> scratch(std::max(1u, task.threads));
  parallel_for(task, volume.shape[0], [&](std::size_t z, std::size_t worker) {
    auto& [line, counts] = scratch[worker];
    line.resize(volume.shape[2]);
    count_plane(volume, static_cast<std::int64_t>(z), line, counts);
  });
  std::vector<LabelCount> found;
  for (int label = 1; label < kLabels; ++label) {
    LabelCount total{label, 0, {}};
    for (const auto& [line, counts] : scratch) {
      if (label >= static_cast<int>(counts.size()) || counts[label].voxels == 0) continue;
      include(total, counts[label].voxels, counts[label].box.min, counts[label].box.max);
    }
    if (total.voxels > 0) found.push_back(total);
  }
  return found;
}

std::vector<OrganComparison> compare_labels(const Volume& prediction, const Volume& truth,
                                            std::span<const LabelPair> labels, double tolerance,
                                            const Task& task) {
  require_same_shape(prediction, truth);
  const auto predicted = count_labels(prediction, task), annotated = count_labels(truth, task);
  std::vector<Organ> organs;
  for (const LabelPair& pair : labels) {
    organs.push_back({find(predicted, pair.prediction), find(annotated, pair.truth)});
  }
  // The largest first, so that none is left for one thread at the end.
  std::vector<std::size_t> order(organs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return size_of(organs[a]) > size_of(organs[b]); });

  std::vector<OrganComparison> results(organs.size());
  Task each = task;  // threads that organs leave over help inside
  each.threads = std::max(1u, task.threads / static_cast<unsigned>(std::max<std::size_t>(1, organs.size())));
  each.on_progress = nullptr;
  std::mutex reporting;
  std::size_t done = 0;
  parallel_for(task, organs.size(), [&](std::size_t i, std::size_t) {
    results[order[i]] = compare(prediction, truth, organs[order[i]], tolerance, each);
    std::lock_guard lock(reporting);
    task.report(++done, organs.size());
  });
  return results;
}

}  // namespace medlsam
