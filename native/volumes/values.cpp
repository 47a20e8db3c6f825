#include "volumes/values.hpp"

#include "base/parallel.hpp"
#include "volumes/orientation.hpp"

namespace medlsam {

std::vector<float> scaled_values(const Volume& volume, const Task& task) {
  std::vector<float> out(volume.voxels());
  const std::size_t slice = static_cast<std::size_t>(volume.shape[1] * volume.shape[2]);
  parallel_for(task, static_cast<std::size_t>(volume.shape[0]), [&](std::size_t z, std::size_t) {
    with_stored_values(volume, [&](const auto* stored) {
      for (std::size_t i = z * slice; i < (z + 1) * slice; ++i)
        out[i] = static_cast<float>(static_cast<double>(stored[i]) * volume.slope + volume.intercept);
    });
  });
  return out;
}

Shaped<double> las_values(const Volume& volume) {
  const Orientation orientation = las_orientation(volume.affine);
  Shaped<double> out{orientation.las_shape(volume.shape), {}};
  out.values.reserve(volume.voxels());
  with_stored_values(volume, [&](const auto* stored) {
    Index3 las, index;
    for (las[0] = 0; las[0] < out.shape[0]; ++las[0]) {
      for (las[1] = 0; las[1] < out.shape[1]; ++las[1]) {
        for (las[2] = 0; las[2] < out.shape[2]; ++las[2]) {
          for (int a = 0; a < 3; ++a)
            index[orientation.stored_axis[a]] = orientation.flipped[a] ? out.shape[a] - 1 - las[a] : las[a];
          const auto at = (index[0] * volume.shape[1] + index[1]) * volume.shape[2] + index[2];
          out.values.push_back(static_cast<double>(stored[at]) * volume.slope + volume.intercept);
        }
      }
    }
  });
  return out;
}

}  // namespace medlsam
