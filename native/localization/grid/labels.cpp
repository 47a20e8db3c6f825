#include "localization/grid/labels.hpp"

#include <algorithm>
#include <cmath>

#include "base/parallel.hpp"
#include "localization/grid/grid.hpp"
#include "localization/grid/spline.hpp"
#include "volumes/label_values.hpp"

namespace medlsam {
namespace {

// Where the output voxels of one LAS axis fall between two stored voxels.
struct AxisSamples {
  std::vector<std::int64_t> low, high;  // offsets into the stored array, strides applied
  std::vector<float> fraction;          // weight of `high`
};

// Sampling in float32: the published code's arithmetic, whose rounding decides ties.
float sample_place(Conventions conventions, std::int64_t output, std::int64_t length, std::int64_t outputs,
                   double zoom) {
  if (conventions == Conventions::kReference) {
    return static_cast<float>(1.0 / zoom) * (static_cast<float>(output) + 0.5f) - 0.5f;
  }
  if (outputs == 1) return 0;
  return static_cast<float>(static_cast<double>(output) * static_cast<double>(length - 1) /
                            static_cast<double>(outputs - 1));
}

AxisSamples sample_axis(Conventions conventions, std::int64_t length, std::int64_t outputs, double zoom,
                        bool flipped, std::int64_t stride) {
  AxisSamples samples;
  for (std::int64_t o = 0; o < outputs; ++o) {
    const float place =
        std::clamp(sample_place(conventions, o, length, outputs, zoom), 0.0f, static_cast<float>(length - 1));
    const auto low = static_cast<std::int64_t>(place);
    const std::int64_t high = std::min(low + 1, length - 1);
    samples.low.push_back((flipped ? length - 1 - low : low) * stride);
    samples.high.push_back((flipped ? length - 1 - high : high) * stride);
    samples.fraction.push_back(place - static_cast<float>(low));
  }
  return samples;
}

std::uint16_t winner(const std::array<std::uint16_t, 8>& corner, float fz, float fy, float fx) {
  std::uint16_t best = 0;
  float best_weight = -1;
  for (int i = 0; i < 8; ++i) {
    const std::uint16_t label = corner[i];
    const auto has = [&](int c) { return corner[c] == label ? 1.0f : 0.0f; };
    const auto line = [&](int c) { return (1 - fx) * has(c) + fx * has(c + 1); };
    const auto plane = [&](int c) { return (1 - fy) * line(c) + fy * line(c + 2); };
    const float weight = (1 - fz) * plane(0) + fz * plane(4);
    if (weight > best_weight || (weight == best_weight && label < best)) {
      best = label;
      best_weight = weight;
    }
  }
  return best;
}

LabelGrid sample(const Volume& volume, const std::array<AxisSamples, 3>& axes, const Index3& shape,
                 std::int64_t padding, const Task& task) {
  LabelGrid grid;
  for (int a = 0; a < 3; ++a) grid.shape[a] = shape[a] + 2 * padding;
  grid.labels.assign(grid.shape[0] * grid.shape[1] * grid.shape[2], 0);
  const auto& [sz, sy, sx] = axes;
  parallel_for(task, shape[0], [&](std::size_t z, std::size_t) {
    with_stored_values(volume, [&](const auto* values) {
      for (std::int64_t y = 0; y < shape[1]; ++y) {
        const auto* row00 = values + sz.low[z] + sy.low[y];
        const auto* row01 = values + sz.low[z] + sy.high[y];
        const auto* row10 = values + sz.high[z] + sy.low[y];
        const auto* row11 = values + sz.high[z] + sy.high[y];
        std::uint16_t* out =
            grid.labels.data() +
            ((static_cast<std::int64_t>(z) + padding) * grid.shape[1] + y + padding) * grid.shape[2] +
            padding;
        for (std::int64_t x = 0; x < shape[2]; ++x) {
          const std::int64_t low = sx.low[x], high = sx.high[x];
          const auto first = row00[low];
          const auto label = [&](auto stored) { return to_label(stored, volume.slope, volume.intercept); };
          // Inside an organ, and outside all of them, there is nothing to vote on.
          if (first == row00[high] && first == row01[low] && first == row01[high] && first == row10[low] &&
              first == row10[high] && first == row11[low] && first == row11[high]) {
            out[x] = label(first);
          } else {
            out[x] = winner({label(first), label(row00[high]), label(row01[low]), label(row01[high]),
                             label(row10[low]), label(row10[high]), label(row11[low]), label(row11[high])},
                            sz.fraction[z], sy.fraction[y], sx.fraction[x]);
          }
        }
      }
    });
  });
  return grid;
}

LabelGrid sample_oriented(const Volume& volume, Conventions conventions, const Orientation& orientation,
                          const std::array<double, 3>& zoom, std::int64_t padding, const Task& task) {
  const Index3 las = orientation.las_shape(volume.shape);
  const Index3 strides = {volume.shape[1] * volume.shape[2], volume.shape[2], 1};
  std::array<AxisSamples, 3> axes;
  Index3 shape;
  for (int a = 0; a < 3; ++a) {
    shape[a] = conventions == Conventions::kExact
                   ? resampled_length(las[a], zoom[a])
                   : static_cast<std::int64_t>(std::floor(static_cast<double>(las[a]) * zoom[a]));
    if (shape[a] < 1)
      throw Error(ErrorCode::kBadVolume, "The label map is less than 3 mm thick along one axis.");
    axes[a] = sample_axis(conventions, las[a], shape[a], zoom[a], orientation.flipped[a],
                          strides[orientation.stored_axis[a]]);
  }
  return sample(volume, axes, shape, padding, task);
}

}  // namespace

LabelGrid make_label_grid(const Volume& volume, Conventions conventions, std::int64_t padding,
                          const Task& task) {
  if (conventions == Conventions::kExact) {
    if (const auto rectification = rectification_of(volume, kMostTilt)) {
      return make_label_grid(rectified_labels(volume, *rectification, task), conventions, padding, task);
    }
  }
  const Orientation orientation = las_orientation(volume.affine);
  const auto stored_spacing = spacing(volume.affine);
  std::array<double, 3> zoom;
  for (int a = 0; a < 3; ++a) zoom[a] = stored_spacing[orientation.stored_axis[a]] / 3.0;
  return sample_oriented(volume, conventions, orientation, zoom, padding, task);
}

LabelGrid las_labels(const Volume& volume, const Task& task) {
  // On the exact grid a zoom of 1 samples every voxel at its center.
  return sample_oriented(volume, Conventions::kExact, las_orientation(volume.affine), {1, 1, 1}, 0, task);
}

LabelGrid resample_labels(const Volume& volume, const std::array<double, 3>& zoom, const Task& task) {
  return sample_oriented(volume, Conventions::kReference, {{0, 1, 2}, {false, false, false}}, zoom, 0, task);
}

std::vector<LabelExtent> label_extents(const LabelGrid& grid, const Task& task) {
  std::vector<LabelExtent> by_label(65536);
  for (auto& extent : by_label) extent = {0, grid.shape, {-1, -1, -1}};
  const std::uint16_t* label = grid.labels.data();
  for (std::int64_t z = 0; z < grid.shape[0]; ++z) {
    task.check();
    for (std::int64_t y = 0; y < grid.shape[1]; ++y) {
      for (std::int64_t x = 0; x < grid.shape[2]; ++x, ++label) {
        if (*label == 0) continue;
        LabelExtent& extent = by_label[*label];
        const Index3 here = {z, y, x};
        for (int a = 0; a < 3; ++a) {
          extent.min[a] = std::min(extent.min[a], here[a]);
          extent.max[a] = std::max(extent.max[a], here[a]);
        }
      }
    }
  }
  std::vector<LabelExtent> found;
  for (int l = 1; l < 65536; ++l) {
    if (by_label[l].max[0] >= 0) found.push_back({l, by_label[l].min, by_label[l].max});
  }
  return found;
}

}  // namespace medlsam
