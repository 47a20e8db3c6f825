// The masks of a scan's slices, put together on a GPU until they go to the host as bits (algorithm.md
// part 6.6).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kernels/cuda/masks.hpp"

namespace medlsam::cuda {

// The value that a mask keeps of a foreground pixel.
enum class MaskValues : std::int32_t {
  kLevels,  // 1 … 65535 for probabilities ½ … 1
  // 1 + the number of the slice's masks that are more probable there: all that decides an overlap, whichever
  // masks are taken away later, and equal for equally probable ones.
  kRanks,
};

// Where a mask's rectangle is: `planes` bit planes of its pixels' values, the lowest bits first, each of
// height rows of ceil(width / 8) bytes with the first pixel in the lowest bit. 0 is background.
struct KeptMask {
  std::int64_t offset = 0;  // of its first byte
  std::int32_t planes = 0;

  std::int64_t bytes(const MaskExtent& extent) const {
    return planes * extent.height() * ((extent.width() + 7) / 8);
  }
};

// One mask as the kernel that keeps it sees it.
struct PlacedMask {
  const std::uint16_t* levels;
  std::int32_t top, left, height, width;
  KeptMask kept;
};

// Kept masks take as many bytes as their rectangles need, whatever the size of the scan: those of 22 organs
// of a usual scan have about 60 slices of 150² pixels each, of which two planes are 7.5 MB.
class MaskRoom {
 public:
  static constexpr std::int64_t kBytes = std::int64_t{16} << 20;

  // Takes the memory and drops what was kept.
  void open();
  // Puts a slice's masks after those that were kept before, each mask's place in its order. Nothing where the
  // room has not enough left: read the others first. An empty room grows to the slice that needs more.
  std::optional<std::vector<KeptMask>> keep(Stream stream, std::span<const DecodedMask> masks,
                                            const SliceView& view, MaskValues values);
  // All that was kept, used() bytes, to the host; the room is empty then.
  void read(Stream stream, Staging& staging, std::uint8_t* to);

  std::int64_t used() const { return used_; }
  std::size_t bytes() const;

 private:
  DeviceArray<std::uint8_t> room_;
  DeviceArray<PlacedMask> places_;
  std::int64_t used_ = 0;
};

}  // namespace medlsam::cuda
