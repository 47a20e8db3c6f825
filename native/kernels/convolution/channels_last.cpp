#include "kernels/convolution/channels_last.hpp"

#include <algorithm>
#include <cstring>

#include "base/simd.hpp"
#include "kernels/convolution/slabs.hpp"

namespace medlsam::convolution {
namespace {

using registers::load;
using registers::store;
using registers::Vector;

// `used` of each voxel's `channels` to a row of one block.
template <int kLanes>
MEDLSAM_INLINE void block_row(const float* from, std::int64_t channels, std::int64_t used,
                              std::int64_t voxels, float* to) {
  for (std::int64_t x = 0; x < voxels; ++x, from += channels, to += kLanes) {
    Vector<kLanes> value = {};
    if (used == kLanes)
      load<kLanes>(value, from);
    else
      std::memcpy(&value, from, static_cast<std::size_t>(used) * sizeof(float));
    store<kLanes>(value, to);
  }
}

template <int kLanes>
MEDLSAM_INLINE void unblock_row(const Normalized<kLanes>& normalized, std::int64_t place, float lowest,
                                std::int64_t used, float* to) {
  const Vector<kLanes> floor = Vector<kLanes>{} + lowest;
  for (std::int64_t x = 0; x < normalized.layout.extents.x; ++x, to += normalized.layout.channels) {
    Vector<kLanes> value;
    normalized.h_at(place + x * kLanes, value);
    value = value > floor ? value : floor;
    if (used == kLanes)
      store<kLanes>(value, to);
    else
      std::memcpy(to, &value, static_cast<std::size_t>(used) * sizeof(float));
  }
}

}  // namespace

void from_channels_last(const float* from, const BlockedLayout& layout, float* values, const Task& task) {
  fill_border(layout, values, 0.0f, task);
  const Extents& extents = layout.extents;
  for_each_slab(layout, task, [&](std::int64_t image, std::int64_t block, std::int64_t slab) {
    const std::int64_t first = block * layout.lanes, used = std::min(layout.lanes, layout.channels - first);
    for (std::int64_t z = kSlab * slab; z < std::min(kSlab * (slab + 1), extents.z); ++z) {
      const float* const in =
          from + (image * extents.z + z) * extents.y * extents.x * layout.channels + first;
      float* const to = values + layout.origin(image, block) + z * layout.plane;
      run_simd([&](auto lanes) __attribute__((always_inline)) {
        for (std::int64_t y = 0; y < extents.y; ++y)
          block_row<lanes>(in + y * extents.x * layout.channels, layout.channels, used, extents.x,
                           to + y * layout.row);
      });
    }
  });
}

void to_channels_last(const Activations& activations, float* out, const Task& task) {
  const BlockedLayout& layout = activations.layout;
  const Extents& extents = layout.extents;
  for_each_slab(layout, task, [&](std::int64_t image, std::int64_t block, std::int64_t slab) {
    const std::int64_t first = block * layout.lanes, used = std::min(layout.lanes, layout.channels - first);
    for (std::int64_t z = kSlab * slab; z < std::min(kSlab * (slab + 1), extents.z); ++z) {
      float* const to = out + (image * extents.z + z) * extents.y * extents.x * layout.channels + first;
      run_simd([&](auto lanes) __attribute__((always_inline)) {
        const Normalized<lanes> normalized(activations, image, block);
        for (std::int64_t y = 0; y < extents.y; ++y) {
          unblock_row<lanes>(normalized, z * layout.plane + y * layout.row, activations.floor, used,
                             to + y * extents.x * layout.channels);
        }
      });
    }
  });
}

}  // namespace medlsam::convolution
