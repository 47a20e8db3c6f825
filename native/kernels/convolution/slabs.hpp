// Passes over blocked activations, some planes of a block of channels at a time.
#pragma once

#include <cstdint>

#include "base/parallel.hpp"
#include "kernels/convolution/activations.hpp"
#include "kernels/register_blocks.hpp"

namespace medlsam::convolution {

inline constexpr std::int64_t kSlab = 2;  // planes of an item: pooled values are of two

// body(image, block, slab) for all slabs of planes of all blocks.
template <class Body>
void for_each_slab(const BlockedLayout& layout, const Task& task, const Body& body) {
  const std::int64_t slabs = (layout.extents.z + kSlab - 1) / kSlab;
  parallel_for(task, static_cast<std::size_t>(layout.images * layout.blocks * slabs),
               [&](std::size_t item, std::size_t) {
                 const auto i = static_cast<std::int64_t>(item);
                 body(i / slabs / layout.blocks, i / slabs % layout.blocks, i % slabs);
               });
}

// One block of channels of one image.
template <int kLanes>
struct Normalized {
  MEDLSAM_INLINE Normalized(const Activations& activations, std::int64_t image, std::int64_t block)
      : layout(activations.layout) {
    const std::int64_t channel = image * layout.padded_channels() + block * kLanes;
    registers::load<kLanes>(scale, activations.scale + channel);
    registers::load<kLanes>(offset, activations.offset + channel);
    first = activations.values + layout.origin(image, block);
  }

  MEDLSAM_INLINE void h_at(std::int64_t place, registers::Vector<kLanes>& h) const {
    registers::load<kLanes>(h, first + place);
    h = h * scale + offset;
  }

  const BlockedLayout& layout;
  registers::Vector<kLanes> scale, offset;
  const float* first;
};

}  // namespace medlsam::convolution
