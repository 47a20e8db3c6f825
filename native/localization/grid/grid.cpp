#include "localization/grid/grid.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/parallel.hpp"
#include "localization/grid/spline.hpp"

namespace medlsam {
namespace {

constexpr float kLowestNonHu = -10;

ValueRange value_range(const std::vector<float>& values) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  ValueRange range{kInfinity, -kInfinity, true};
  for (float value : values) {
    range.finite &= std::isfinite(value);
    range.min = std::min(range.min, value);
    range.max = std::max(range.max, value);
  }
  return range;
}

// The lowest value as stored. Resampling rings at sharp edges and would take an image of 0..255 below zero.
double stored_minimum(const Volume& volume, const Task& task) {
  const std::size_t slice = static_cast<std::size_t>(volume.shape[1] * volume.shape[2]);
  std::vector<double> lowest(volume.shape[0]);
  parallel_for(task, lowest.size(), [&](std::size_t z, std::size_t) {
    with_stored_values(volume, [&](const auto* values) {
      auto low = values[z * slice], high = low;
      for (std::size_t i = z * slice; i < (z + 1) * slice; ++i) {
        low = std::min(low, values[i]);
        high = std::max(high, values[i]);
      }
      lowest[z] = volume.intercept + volume.slope * static_cast<double>(volume.slope < 0 ? high : low);
    });
  });
  return *std::min_element(lowest.begin(), lowest.end());
}

void refuse_unusable(const ValueRange& range) {
  if (!range.finite) {
    throw Error(
        ErrorCode::kBadVolume,
        "The volume holds NaN or infinite values, perhaps where a resampled scan has no voxels. Read them as "
        "a value: --nan -1000 (`nan: -1000`) for air.");
  }
  // Resampling leaves ripples of rounding on a constant volume.
  if (range.max - range.min <= 1e-5f * std::max(1.0f, std::abs(range.max))) {
    throw Error(ErrorCode::kBadVolume,
                "All voxels of the volume have the same value; there is nothing to localize.");
  }
}

// From stored axis order (z, x, y) without padding to padded LAS (z, y, x).
void fill_padded(Grid& grid, const std::vector<float>& resampled, bool map, const Task& task) {
  const Index3 stored_shape = resampled_shape(grid);
  Index3 shape;
  for (int a = 0; a < 3; ++a) shape[a] = grid.shape[a] - 2 * kGridPadding;
  const Index3 stored_stride = {stored_shape[2] * stored_shape[1], 1, stored_shape[1]};
  std::array<std::int64_t, 3> stride;
  std::int64_t origin = 0;
  for (int a = 0; a < 3; ++a) {
    const std::int64_t step = stored_stride[grid.orientation.stored_axis[a]];
    if (grid.orientation.flipped[a]) origin += (shape[a] - 1) * step;
    stride[a] = grid.orientation.flipped[a] ? -step : step;
  }
  grid.values.assign(grid.shape[0] * grid.shape[1] * grid.shape[2], 0.0f);
  parallel_for(task, shape[0], [&](std::size_t z, std::size_t) {
    for (std::int64_t y = 0; y < shape[1]; ++y) {
      const float* in = resampled.data() + origin + static_cast<std::int64_t>(z) * stride[0] + y * stride[1];
      float* out =
          grid.values.data() +
          ((static_cast<std::int64_t>(z) + kGridPadding) * grid.shape[1] + y + kGridPadding) * grid.shape[2] +
          kGridPadding;
      for (std::int64_t x = 0; x < shape[2]; ++x)
        out[x] = map ? map_hu(in[x * stride[2]]) : in[x * stride[2]];
    }
  });
}

// `original`: the volume whose stored values say whether they are HU, before it was rectified.
Grid upright_grid(const Volume& volume, const Volume& original, Conventions conventions, bool normalized,
                  const Task& task) {
  Grid grid = plan_grid(volume, conventions);
  const std::vector<float> resampled = resample_spline_zxy(volume, resampled_shape(grid), task);
  const bool map = maps_hu(value_range(resampled), conventions, normalized,
                           [&] { return stored_minimum(original, task); });
  fill_padded(grid, resampled, map, task);
  return grid;
}

}  // namespace

float map_hu(double hu) {
  if (!(hu > kHuKnots[0][0])) return 0;
  for (std::size_t k = 1; k < kHuKnots.size(); ++k) {
    const auto [x0, y0] = kHuKnots[k - 1];
    const auto [x1, y1] = kHuKnots[k];
    if (hu <= x1) return static_cast<float>(y0 + (y1 - y0) / (x1 - x0) * (hu - x0));
  }
  return 1;
}

std::vector<float> map_hu(std::span<const double> hu) {
  std::vector<float> mapped(hu.size());
  std::transform(hu.begin(), hu.end(), mapped.begin(), [](double value) { return map_hu(value); });
  return mapped;
}

float Grid::at(const Index3& index) const {
  for (int a = 0; a < 3; ++a) {
    if (index[a] < 0 || index[a] >= shape[a]) return 0;
  }
  return values[(index[0] * shape[1] + index[1]) * shape[2] + index[2]];
}

std::optional<Rectification> grid_rectification(const Volume& volume, Conventions conventions) {
  if (conventions == Conventions::kReference) return std::nullopt;
  return rectification_of(volume, kMostTilt);
}

Grid plan_grid(const Volume& volume, Conventions conventions) {
  Grid grid;
  grid.orientation = las_orientation(volume.affine);
  grid.affine = volume.affine;
  grid.conventions = conventions;
  grid.stored_shape = volume.shape;
  grid.las_shape = grid.orientation.las_shape(volume.shape);
  const auto stored_spacing = spacing(volume.affine);
  std::int64_t voxels = 1;
  for (int a = 0; a < 3; ++a) {
    grid.zoom[a] = stored_spacing[grid.orientation.stored_axis[a]] / kGridSpacing;
    const std::int64_t length = resampled_length(grid.las_shape[a], grid.zoom[a]);
    grid.shape[a] = length + 2 * kGridPadding;
    voxels *= length;
  }
  // 20 m of whole body at 3 mm: no scan, but what a damaged header can ask for.
  if (voxels > (std::int64_t{1} << 30)) {
    throw Error(ErrorCode::kBadVolume,
                "The scan covers more than 29 cubic metres; check the header's spacing.");
  }
  return grid;
}

Index3 resampled_shape(const Grid& grid) {
  Index3 shape;
  for (int a = 0; a < 3; ++a) shape[grid.orientation.stored_axis[a]] = grid.shape[a] - 2 * kGridPadding;
  return shape;
}

bool maps_hu(const ValueRange& resampled, Conventions conventions, bool normalized,
             const std::function<double()>& stored_minimum) {
  refuse_unusable(resampled);
  if (normalized) return false;
  if (conventions == Conventions::kReference) return resampled.min < kLowestNonHu;
  const double lowest = stored_minimum();
  if (lowest < kLowestNonHu) return true;
  throw Error(
      ErrorCode::kNotHu,
      "The lowest value is " + std::to_string(lowest) +
          ", so these are not Hounsfield units (air is -1000). Check the rescale slope and intercept, "
          "or say that the volume is normalized to 0..1 already (--normalized, `normalized: true`).");
}

Grid make_grid(const Volume& volume, Conventions conventions, bool normalized, const Task& task) {
  const std::optional<Rectification> rectification = grid_rectification(volume, conventions);
  if (!rectification) return upright_grid(volume, volume, conventions, normalized, task);
  Grid grid = upright_grid(rectified(volume, *rectification, task), volume, conventions, normalized, task);
  grid.rectification = rectification;
  return grid;
}

void copy_patch(const Grid& grid, const Index3& center, std::int64_t edge, float* out) {
  const std::int64_t x0 = center[2] - edge / 2;
  const std::int64_t from = std::clamp<std::int64_t>(-x0, 0, edge);
  const std::int64_t to = std::clamp<std::int64_t>(grid.shape[2] - x0, from, edge);
  for (std::int64_t z = center[0] - edge / 2; z < center[0] + edge - edge / 2; ++z) {
    for (std::int64_t y = center[1] - edge / 2; y < center[1] + edge - edge / 2; ++y, out += edge) {
      std::fill(out, out + edge, 0.0f);
      if (z < 0 || z >= grid.shape[0] || y < 0 || y >= grid.shape[1] || from == to) continue;
      const float* row = grid.values.data() + (z * grid.shape[1] + y) * grid.shape[2] + x0;
      std::copy(row + from, row + to, out + from);
    }
  }
}

}  // namespace medlsam
