#include "volumes/resample_slices.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <type_traits>

#include "base/error.hpp"
#include "base/parallel.hpp"

namespace medlsam {
namespace {

template <class T>
void blend(const T* lower, const T* upper, double weight, std::size_t count, T* out) {
  for (std::size_t i = 0; i < count; ++i) {
    const double value =
        (1 - weight) * static_cast<double>(lower[i]) + weight * static_cast<double>(upper[i]);
    out[i] = static_cast<T>(std::is_integral_v<T> ? std::nearbyint(value) : value);
  }
}

}  // namespace

Volume resampled_slices(const Volume& volume, std::span<const SliceBlend> blends, const Affine& affine,
                        const Task& task) {
  for (const auto& [lower, weight] : blends) {
    if (lower >= 0 && lower + (weight > 0 ? 1 : 0) < volume.shape[0] && weight >= 0 && weight <= 1) continue;
    throw Error(ErrorCode::kBadArgument, "Slice " + std::to_string(lower) + " + " + std::to_string(weight) +
                                             " is none of the volume's " + std::to_string(volume.shape[0]) +
                                             ".");
  }
  Volume result;
  result.shape = {static_cast<std::int64_t>(blends.size()), volume.shape[1], volume.shape[2]};
  result.dtype = volume.dtype;
  result.slope = volume.slope;
  result.intercept = volume.intercept;
  result.affine = affine;
  result.data.resize(result.voxels() * dtype_size(volume.dtype));
  const auto slice = static_cast<std::size_t>(volume.shape[1] * volume.shape[2]);
  with_stored_values(volume, [&]<class T>(const T* values) {
    T* out = reinterpret_cast<T*>(result.data.data());
    parallel_for(task, blends.size(), [&](std::size_t z, std::size_t) {
      const auto [lower, weight] = blends[z];
      const T* from = values + static_cast<std::size_t>(lower) * slice;
      if (weight == 0) {
        std::copy_n(from, slice, out + z * slice);
      } else {
        blend(from, from + slice, weight, slice, out + z * slice);
      }
    });
  });
  return result;
}

}  // namespace medlsam
