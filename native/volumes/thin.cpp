#include "volumes/thin.hpp"

#include <algorithm>
#include <string>

#include "base/error.hpp"
#include "base/parallel.hpp"

namespace medlsam {

Volume thinned(const Volume& volume, const Index3& step, const Task& task) {
  Index3 first;
  Volume thin;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (step[axis] < 1) {
      throw Error(ErrorCode::kBadArgument,
                  "Every " + std::to_string(step[axis]) + "th voxel cannot be taken: steps are 1 or more.");
    }
    first[axis] = std::min((step[axis] - 1) / 2, volume.shape[axis] - 1);
    thin.shape[axis] = (volume.shape[axis] - 1 - first[axis]) / step[axis] + 1;
  }
  thin.dtype = volume.dtype;
  thin.slope = volume.slope;
  thin.intercept = volume.intercept;
  thin.affine = volume.affine;
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t column = 0; column < 3; ++column) {
      const std::size_t axis = 2 - column;  // the affine's columns are x, y, z
      const double direction = volume.affine[4 * row + column];
      thin.affine[4 * row + column] = direction * static_cast<double>(step[axis]);
      thin.affine[4 * row + 3] += direction * static_cast<double>(first[axis]);
    }
  }
  const std::size_t bytes = dtype_size(volume.dtype);
  thin.data.resize(thin.voxels() * bytes);
  parallel_for(task, static_cast<std::size_t>(thin.shape[0]), [&](std::size_t z, std::size_t) {
    std::byte* out = thin.data.data() + z * static_cast<std::size_t>(thin.shape[1] * thin.shape[2]) * bytes;
    for (std::int64_t y = 0; y < thin.shape[1]; ++y) {
      const std::int64_t line =
          (first[0] + static_cast<std::int64_t>(z) * step[0]) * volume.shape[1] + first[1] + y * step[1];
      for (std::int64_t x = 0; x < thin.shape[2]; ++x) {
        const std::int64_t voxel = line * volume.shape[2] + first[2] + x * step[2];
        out = std::copy_n(volume.data.data() + static_cast<std::size_t>(voxel) * bytes, bytes, out);
      }
    }
  });
  return thin;
}

}  // namespace medlsam
