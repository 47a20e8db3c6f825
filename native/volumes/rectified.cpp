#include "volumes/rectified.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <type_traits>
#include <vector>

#include "base/parallel.hpp"

namespace medlsam {
namespace {

using Vector = std::array<double, 3>;

constexpr double kDegrees = 180 / std::numbers::pi;
constexpr double kAirHu = -1024;
// Axes of a slice further from a right angle are no slice's of a scanner.
constexpr double kMostSkew = 0.5;  // degrees

Vector column(const Affine& affine, int axis) {
  return {affine[axis], affine[4 + axis], affine[8 + axis]};
}

double dot(const Vector& a, const Vector& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

Vector cross(const Vector& a, const Vector& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

double angle_sine(const Vector& a, const Vector& b) {
  return dot(a, b) / std::sqrt(dot(a, a) * dot(b, b));
}

// The stored value that means air, as near as the type comes to it.
template <class T>
T stored_air(const Volume& volume) {
  const double stored = (kAirHu - volume.intercept) / volume.slope;
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(stored);
  } else {
    constexpr auto low = static_cast<double>(std::numeric_limits<T>::min());
    constexpr auto high = static_cast<double>(std::numeric_limits<T>::max());
    // High as a double may be one above the type's last value.
    return stored >= high ? std::numeric_limits<T>::max()
                          : static_cast<T>(std::nearbyint(std::max(stored, low)));
  }
}

// Two neighboring rows or columns of a slice, and the share of the second.
struct Sample {
  std::int64_t first = -1, second = -1;  // −1: outside
  double share = 0;
};

// Where the rows (axis 0) or columns (axis 1) of a rectified slice come from.
std::vector<Sample> samples_of(const Rectification& rectification, int axis, std::int64_t z, bool nearest) {
  const std::int64_t last = rectification.stored_shape[axis + 1] - 1;
  std::vector<Sample> samples(static_cast<std::size_t>(rectification.shape[axis + 1]));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    double place = static_cast<double>(static_cast<std::int64_t>(i) - rectification.before[axis]) -
                   rectification.per_slice[axis] * static_cast<double>(z);
    // Halves up, on both sides of 0, so that every row has one place.
    if (nearest) place = std::floor(place + 0.5);
    if (place < 0 || place > static_cast<double>(last)) continue;
    const auto first = static_cast<std::int64_t>(place);
    samples[i] = {first, std::min(first + 1, last), place - static_cast<double>(first)};
  }
  return samples;
}

template <class T>
void fill_slice(const T* from, std::int64_t width, const std::vector<Sample>& rows,
                const std::vector<Sample>& columns, T outside, T* out) {
  for (const Sample& row : rows) {
    for (const Sample& column : columns) {
      if (row.first < 0 || column.first < 0) {
        *out++ = outside;
        continue;
      }
      const auto line = [&](std::int64_t y) {
        const auto first = static_cast<double>(from[y * width + column.first]);
        if (column.share == 0) return first;
        return (1 - column.share) * first +
               column.share * static_cast<double>(from[y * width + column.second]);
      };
      const double value =
          row.share == 0 ? line(row.first) : (1 - row.share) * line(row.first) + row.share * line(row.second);
      *out++ = static_cast<T>(std::is_integral_v<T> ? std::nearbyint(value) : value);
    }
  }
}

Volume shifted(const Volume& volume, const Rectification& rectification, bool labels, const Task& task) {
  Volume result;
  result.shape = rectification.shape;
  result.dtype = volume.dtype;
  result.slope = volume.slope;
  result.intercept = volume.intercept;
  result.affine = rectification.affine;
  result.warnings = volume.warnings;
  result.data.resize(result.voxels() * dtype_size(volume.dtype));
  const auto slice = static_cast<std::size_t>(result.shape[1] * result.shape[2]);
  with_stored_values(volume, [&]<class T>(const T* values) {
    T* out = reinterpret_cast<T*>(result.data.data());
    const T outside = labels ? T{} : stored_air<T>(volume);
    parallel_for(task, static_cast<std::size_t>(result.shape[0]), [&](std::size_t z, std::size_t) {
      const auto at = static_cast<std::int64_t>(z);
      fill_slice(values + at * volume.shape[1] * volume.shape[2], volume.shape[2],
                 samples_of(rectification, 0, at, labels), samples_of(rectification, 1, at, labels), outside,
                 out + z * slice);
    });
  });
  return result;
}

}  // namespace

double tilt_degrees(const Affine& affine) {
  const Vector normal = cross(column(affine, 0), column(affine, 1));
  return std::acos(std::min(1.0, std::abs(angle_sine(normal, column(affine, 2))))) * kDegrees;
}

std::array<double, 3> Rectification::to_stored(const std::array<double, 3>& voxel) const {
  return {voxel[0], voxel[1] - static_cast<double>(before[0]) - per_slice[0] * voxel[0],
          voxel[2] - static_cast<double>(before[1]) - per_slice[1] * voxel[0]};
}

std::optional<Rectification> rectification_of(const Volume& volume, double least) {
  const Vector x = column(volume.affine, 0), y = column(volume.affine, 1), z = column(volume.affine, 2);
  const bool is_slice = std::asin(std::min(1.0, std::abs(angle_sine(x, y)))) * kDegrees <= kMostSkew;
  // Written so that a singular affine, whose angle is no number, has none.
  if (!is_slice || !(tilt_degrees(volume.affine) > least)) return std::nullopt;
  Rectification result;
  result.per_slice = {dot(z, y) / dot(y, y), dot(z, x) / dot(x, x)};
  result.stored_shape = result.shape = volume.shape;
  result.affine = volume.affine;
  for (int axis = 0; axis < 2; ++axis) {
    const double most = result.per_slice[axis] * static_cast<double>(volume.shape[0] - 1);
    const auto more = static_cast<std::int64_t>(std::ceil(std::abs(most)));
    result.before[axis] = most < 0 ? more : 0;
    result.shape[axis + 1] += more;
    const Vector& along = axis == 0 ? y : x;
    for (int row = 0; row < 3; ++row) {
      result.affine[4 * row + 2] -= result.per_slice[axis] * along[row];
      result.affine[4 * row + 3] -= static_cast<double>(result.before[axis]) * along[row];
    }
  }
  return result;
}

Volume rectified(const Volume& volume, const Rectification& rectification, const Task& task) {
  return shifted(volume, rectification, false, task);
}

Volume rectified_labels(const Volume& labels, const Rectification& rectification, const Task& task) {
  return shifted(labels, rectification, true, task);
}

}  // namespace medlsam
