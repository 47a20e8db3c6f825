#include <vector>

#include "base/aligned_memory.hpp"
#include "base/parallel.hpp"
#include "base/simd.hpp"
#include "kernels/convolution/direct.hpp"
#include "kernels/convolution/row_products.hpp"
#include "kernels/convolution/weight_gradient.hpp"
#include "kernels/convolution/weight_transforms.hpp"

namespace medlsam::convolution {
namespace {

// A plane's part of a single input channel's gradient: (tap, output channel), `step` floats from tap to tap.
template <int kLanes>
MEDLSAM_INLINE void sum_plane(const PaddedImage& image, const BlockedLayout& output, const float* gradient,
                              std::int64_t z, float* out, std::int64_t step) {
  Vector<kLanes> sums[kTaps] = {};
  for (std::int64_t y = 0; y < output.extents.y; ++y) {
    for (std::int64_t x = 0; x < output.extents.x; ++x) {
      Vector<kLanes> of_voxel;
      load<kLanes>(of_voxel, gradient + y * output.row + x * kLanes);
      const float* const corner = image.corner(z, y, x);
      unrolled<kTaps>([&](auto tap) __attribute__((always_inline)) {
        sums[tap] += corner[tap / 9 * image.plane() + tap / 3 % 3 * image.row() + tap % 3] * of_voxel;
      });
    }
  }
  unrolled<kTaps>([&](auto tap)
                      __attribute__((always_inline)) { store<kLanes>(sums[tap], out + tap * step); });
}

}  // namespace

void weight_gradient_of_one_channel(const float* rows, const BlockedLayout& output, const float* gradient,
                                    float* weights, const Task& task) {
  const Extents& extents = output.extents;
  const auto planes = static_cast<std::size_t>(extents.z);
  const AlignedFloats memory(PaddedImage::floats(extents, 1));
  const std::int64_t part = kTaps * output.padded_channels();
  std::vector<float> parts(planes * static_cast<std::size_t>(part));
  std::vector<double> sums(static_cast<std::size_t>(part));
  for (std::int64_t image = 0; image < output.images; ++image) {
    PaddedImage padded(extents, 1, memory.data());
    padded.fill(rows + image * extents.voxels(), task);
    parallel_for(task, planes, [&](std::size_t item, std::size_t) {
      const auto z = static_cast<std::int64_t>(item);
      run_simd([&](auto lanes) __attribute__((always_inline)) {
        for (std::int64_t block = 0; block < output.blocks; ++block) {
          sum_plane<lanes>(padded, output, gradient + output.origin(image, block) + z * output.plane, z,
                           parts.data() + z * part + block * lanes, output.padded_channels());
        }
      });
    });
    for (std::size_t i = 0; i < parts.size(); ++i)
      sums[i % static_cast<std::size_t>(part)] += static_cast<double>(parts[i]);
  }
  for (std::int64_t o = 0; o < output.channels; ++o) {
    for (int tap = 0; tap < kTaps; ++tap)
      weights[o * kTaps + tap] =
          static_cast<float>(sums[static_cast<std::size_t>(tap * output.padded_channels() + o)]);
  }
}

}  // namespace medlsam::convolution
