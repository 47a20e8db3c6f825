// The localization grid: a scan in LAS order at 3 mm, HU mapped to [0, 1], padded (algorithm.md part 1).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/conventions.hpp"
#include "base/task.hpp"
#include "volumes/orientation.hpp"
#include "volumes/rectified.hpp"

namespace medlsam {

inline constexpr double kGridSpacing = 3;         // mm
inline constexpr std::int64_t kGridPadding = 32;  // voxels of 0 on every side

// A copy of a grid on a GPU, for patch sources there (patch_source.hpp).
class GridOnGpu {
 public:
  virtual ~GridOnGpu() = default;
};

struct Grid {
  Index3 shape{};      // (z, y, x), padding included
  Index3 las_shape{};  // of the stored volume in LAS order
  Index3 stored_shape{};
  std::array<double, 3> zoom{};  // grid voxels per LAS voxel, (z, y, x)
  Orientation orientation;
  Affine affine{};  // of the stored volume
  // Set where the grid is that of a rectified copy: "the stored volume" above is then that copy.
  std::optional<Rectification> rectification{};
  Conventions conventions = Conventions::kExact;
  std::vector<float> values;
  std::shared_ptr<GridOnGpu> on_gpu{};  // null for a grid that was made on the host

  std::size_t voxels() const { return values.size(); }
  float at(const Index3& index) const;  // 0 outside
};

// `normalized`: the volume holds values in [0, 1] already, leave them. Otherwise a volume that does not go
// below −10 is not a CT in HU: `exact` looks at the stored values and throws kNotHu, `reference` looks at the
// resampled ones and passes them through, as the published code does. Throws kBadVolume for a volume of one
// value, or with NaN.
Grid make_grid(const Volume& volume, Conventions conventions, bool normalized, const Task& task);

// --- the parts of make_grid, for who resamples elsewhere than here
// --------------------------------------------

// How the volume is brought upright first, if it is.
std::optional<Rectification> grid_rectification(const Volume& volume, Conventions conventions);

// The grid of an upright volume without its values. Throws kBadVolume for a volume too thin or too large to
// be a scan.
Grid plan_grid(const Volume& volume, Conventions conventions);

// Voxels of the volume resampled for the grid, along its stored axes (z, y, x).
Index3 resampled_shape(const Grid& grid);

// Range of the resampled values that are not NaN.
struct ValueRange {
  float min = 0, max = 0;
  bool finite = true;  // no value is NaN or infinite
};

// Whether the resampled values are HU that have to be mapped. Throws as make_grid does. `stored_minimum`: of
// the volume in HU, asked for only where the answer depends on it.
bool maps_hu(const ValueRange& resampled, Conventions conventions, bool normalized,
             const std::function<double()>& stored_minimum);

// The map of HU to [0, 1], piecewise linear through these places and values, clamped outside (part 1.3).
inline constexpr std::array<std::array<double, 2>, 4> kHuKnots = {
    {{-1000, 0}, {-200, 0.2}, {200, 0.8}, {1500, 1}}};
float map_hu(double hu);
std::vector<float> map_hu(std::span<const double> hu);

// The patch [center − edge/2, center + edge/2) per axis of the padded grid, edge³ values; 0 outside the grid.
void copy_patch(const Grid& grid, const Index3& center, std::int64_t edge, float* out);

}  // namespace medlsam
