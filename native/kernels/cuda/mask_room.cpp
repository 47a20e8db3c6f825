#include "kernels/cuda/mask_room.hpp"

#include <algorithm>
#include <bit>

#include "kernels/cuda/launch.hpp"

namespace medlsam::cuda {
namespace {

// Rows of blocks, one for each mask. A thread makes a byte of each plane of its mask: eight pixels of a row.
struct PackMasks {
  static constexpr int kThreads = 256, kBlocks = 8;
  std::int64_t width;  // of the slice
  MaskValues values;
  std::int32_t masks;
  const PlacedMask* places;
  std::uint8_t* room;

  template <class Block>
  MEDLSAM_KERNEL void operator()(Block& block) const {
    const PlacedMask place = places[block.y()];
    const std::int64_t row_bytes = (place.width + 7) / 8, count = place.height * row_bytes;
    block.each_without_barrier([&](int thread) {
      for (std::int64_t i = block.x() * kThreads + thread; i < count; i += kThreads * kBlocks) {
        const std::int64_t y = place.top + i / row_bytes, x = place.left + i % row_bytes * 8;
        std::uint32_t value[8];
        for (int pixel = 0; pixel < 8; ++pixel)
          value[pixel] = x + pixel < place.left + place.width ? value_at(place, y, x + pixel) : 0;
        for (std::int32_t plane = 0; plane < place.kept.planes; ++plane) {
          std::uint32_t byte = 0;
          for (int pixel = 0; pixel < 8; ++pixel) byte |= (value[pixel] >> plane & 1U) << pixel;
          room[place.kept.offset + plane * count + i] = static_cast<std::uint8_t>(byte);
        }
      }
    });
  }

 private:
  MEDLSAM_KERNEL std::uint32_t value_at(const PlacedMask& place, std::int64_t y, std::int64_t x) const {
    const std::int64_t pixel = y * width + x;
    const std::uint32_t level = place.levels[pixel];
    if (values == MaskValues::kLevels || level == 0) return level;
    std::uint32_t rank = 1;
    for (std::int32_t other = 0; other < masks; ++other) {
      const PlacedMask& at = places[other];
      const bool inside = y >= at.top && y < at.top + at.height && x >= at.left && x < at.left + at.width;
      if (inside && at.levels[pixel] > level) ++rank;
    }
    return rank;
  }
};

bool overlap(const MaskExtent& a, const MaskExtent& b) {
  return a.top <= b.bottom && b.top <= a.bottom && a.left <= b.right && b.left <= a.right;
}

// As many planes as the greatest value may need. A mask is outranked by those at most whose rectangles reach
// into its own.
std::int32_t planes_of(std::span<const DecodedMask> masks, const DecodedMask& mask, MaskValues values) {
  if (values == MaskValues::kLevels) return 16;
  const auto near = std::count_if(masks.begin(), masks.end(), [&](const DecodedMask& other) {
    return &other != &mask && overlap(other.extent, mask.extent);
  });
  return static_cast<std::int32_t>(std::bit_width(static_cast<std::uint64_t>(near) + 1));
}

}  // namespace

void MaskRoom::open() {
  room_.at_least(kBytes);
  used_ = 0;
}

std::optional<std::vector<KeptMask>> MaskRoom::keep(Stream stream, std::span<const DecodedMask> masks,
                                                    const SliceView& view, MaskValues values) {
  std::vector<KeptMask> kept;
  std::vector<PlacedMask> places;
  std::int64_t end = used_;
  for (const DecodedMask& mask : masks) {
    const MaskExtent& extent = mask.extent;
    kept.push_back({end, planes_of(masks, mask, values)});
    places.push_back({mask.levels, extent.top, extent.left, static_cast<std::int32_t>(extent.height()),
                      static_cast<std::int32_t>(extent.width()), kept.back()});
    end += kept.back().bytes(extent);
  }
  if (used_ > 0 && end > static_cast<std::int64_t>(room_.bytes())) return {};
  if (end == used_) return kept;
  std::uint8_t* room = room_.at_least(end);
  const PackMasks body{view.width, values, static_cast<std::int32_t>(places.size()),
                       places_.upload(places, stream), room};
  launch(stream, {PackMasks::kBlocks, static_cast<std::int64_t>(places.size()), 1, 0}, body);
  used_ = end;
  return kept;
}

void MaskRoom::read(Stream stream, Staging& staging, std::uint8_t* to) {
  if (used_ > 0) staging.download(to, room_.data(), used_, stream);
  used_ = 0;
}

std::size_t MaskRoom::bytes() const {
  return room_.bytes() + places_.bytes();
}

}  // namespace medlsam::cuda
