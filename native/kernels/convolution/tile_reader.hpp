// Reads the inputs of a tile, with all that is still to be done to them.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/convolution/activations.hpp"
#include "kernels/convolution/tile_transforms.hpp"

namespace medlsam::convolution {

// The place of a tile's first output voxel.
struct TilePlace {
  std::int64_t z = 0, y = 0, x = 0;
};

template <int kLanes, int kOutputs>
class TileReader {
 public:
  static constexpr int kInputs = Tile<kOutputs>::kInputs;
  using Vector = registers::Vector<kLanes>;
  using Line = Vector[kInputs];

  TileReader(const Source& source, std::int64_t image, std::int64_t block) : source_(source) {
    const Activations& activations = source.activations;
    const BlockedLayout& layout = activations.layout;
    origin_ = ahead_ = activations.values + layout.origin(image, block);
    const std::int64_t channel = image * layout.padded_channels() + block * kLanes;
    registers::load<kLanes>(scale_, activations.scale + channel);
    registers::load<kLanes>(offset_, activations.offset + channel);
    floor_ = Vector{} + activations.floor;
  }

  // The tile that is read after the next one, some blocks of channels further: it is fetched meanwhile.
  MEDLSAM_INLINE void expect(const TilePlace& tile, std::int64_t blocks) {
    const BlockedLayout& layout = source_.activations.layout;
    const std::int64_t scale = source_.upsampled ? 2 : 1;
    ahead_ = origin_ + blocks * layout.block + (tile.z / scale - 1) * layout.plane +
             (tile.y / scale - 1) * layout.row + (tile.x / scale - 1) * kLanes;
  }

  // The inputs from one voxel before the tile to one after it. transform(line) is applied along x, y and z in
  // turn; use(kInputs·y + x, line along z) gets what comes out.
  template <class Transform, class Use>
  MEDLSAM_INLINE void read(const TilePlace& tile, const Transform& transform, const Use& use) const {
    if (source_.upsampled) {
      read_from<true>(tile, transform, use);
    } else {
      read_from<false>(tile, transform, use);
    }
  }

 private:
  // Voxels that the inputs along an axis come from.
  template <bool kUpsampled>
  static constexpr int kFrom = kUpsampled ? kOutputs / 2 + 2 : kInputs;

  template <bool kUpsampled, class Transform, class Use>
  MEDLSAM_INLINE void read_from(const TilePlace& tile, const Transform& transform, const Use& use) const {
    constexpr int kCount = kFrom<kUpsampled>;
    const Extents& extents = source_.activations.layout.extents;
    // Plane by plane along x and y: a plane's lines stay in the first cache, all of them would not.
    Line y_done[kCount][kInputs];  // [z][x] are lines along y
    for (int z = 0; z < kCount; ++z) {
      Line x_done[kCount];
      for (int y = 0; y < kCount; ++y) {
        Vector from[kCount];
        load_line<kUpsampled>(tile, z, y, from);
        expand<kUpsampled>(from, tile.x, extents.x, transform, x_done[y]);
      }
      for (int x = 0; x < kInputs; ++x) {
        Vector from[kCount];
        registers::unrolled<kCount>([&](auto y) __attribute__((always_inline)) { from[y] = x_done[y][x]; });
        expand<kUpsampled>(from, tile.y, extents.y, transform, y_done[z][x]);
      }
    }
    for (int y = 0; y < kInputs; ++y) {
      for (int x = 0; x < kInputs; ++x) {
        Vector from[kCount];
        registers::unrolled<kCount>([&](auto z)
                                        __attribute__((always_inline)) { from[z] = y_done[z][x][y]; });
        Line line;
        expand<kUpsampled>(from, tile.z, extents.z, transform, line);
        use(kInputs * y + x, line);
      }
    }
  }

  template <bool kUpsampled>
  MEDLSAM_INLINE void load_line(const TilePlace& tile, int z, int y,
                                Vector (&line)[kFrom<kUpsampled>]) const {
    const BlockedLayout& layout = source_.activations.layout;
    const float* const ahead = ahead_ + z * layout.plane + y * layout.row;
    registers::unrolled<kFrom<kUpsampled>>([&](auto x) __attribute__((always_inline)) {
      __builtin_prefetch(ahead + x * kLanes, 0, 2);
    });
    if constexpr (kUpsampled) {
      const auto clamped = [](std::int64_t at, std::int64_t extent) __attribute__((always_inline)) {
        return std::clamp<std::int64_t>(at, 0, extent - 1);
      };
      const float* const row = origin_ + clamped(tile.z / 2 - 1 + z, layout.extents.z) * layout.plane +
                               clamped(tile.y / 2 - 1 + y, layout.extents.y) * layout.row;
      registers::unrolled<kFrom<true>>([&](auto x) __attribute__((always_inline)) {
        load_finished(row + clamped(tile.x / 2 - 1 + x, layout.extents.x) * kLanes, line[x]);
      });
    } else {
      const float* const row =
          origin_ + (tile.z - 1 + z) * layout.plane + (tile.y - 1 + y) * layout.row + (tile.x - 1) * kLanes;
      registers::unrolled<kInputs>([&](auto x) __attribute__((always_inline)) {
        load_finished(row + x * kLanes, line[x]);
      });
    }
  }

  MEDLSAM_INLINE void load_finished(const float* from, Vector& to) const {
    Vector value;
    registers::load<kLanes>(value, from);
    value = value * scale_ + offset_;
    to = value > floor_ ? value : floor_;
  }

  // The transform of the inputs along an axis on which the tile's first output is at `tile`.
  template <bool kUpsampled, class Transform>
  MEDLSAM_INLINE static void expand(const Vector (&from)[kFrom<kUpsampled>], std::int64_t tile,
                                    std::int64_t extent, const Transform& transform, Line& to) {
    Line line;
    if constexpr (kUpsampled) {
      interpolate(from, line);
      clear_outside(tile - 1, 2 * extent, line);
    } else {
      registers::unrolled<kInputs>([&](auto i) __attribute__((always_inline)) { line[i] = from[i]; });
    }
    transform(line);
    registers::unrolled<kInputs>([&](auto i) __attribute__((always_inline)) { to[i] = line[i]; });
  }

  // Voxel o of an upsampled image is 3/4 of voxel ⌊o/2⌋ and 1/4 of the one before (o even) or after it. A
  // tile begins at an even one, its inputs at the odd one before.
  MEDLSAM_INLINE static void interpolate(const Vector (&from)[kFrom<true>], Line& to) {
    Vector quarter[kFrom<true>];
    registers::unrolled<kFrom<true>>([&](auto i)
                                         __attribute__((always_inline)) { quarter[i] = 0.25f * from[i]; });
    registers::unrolled<kInputs>([&](auto i) __attribute__((always_inline)) {
      constexpr int kMost = (i + 1) / 2, kLess = i % 2 == 0 ? kMost + 1 : kMost - 1;
      to[i] = 0.75f * from[kMost] + quarter[kLess];
    });
  }

  // The convolution sees zeros outside the upsampled image.
  MEDLSAM_INLINE static void clear_outside(std::int64_t first, std::int64_t extent, Line& line) {
    if (first >= 0 && first + kInputs <= extent) return;
    registers::unrolled<kInputs>([&](auto i) __attribute__((always_inline)) {
      if (first + i < 0 || first + i >= extent) line[i] = Vector{};
    });
  }

  const Source& source_;
  const float *origin_, *ahead_;
  Vector scale_, offset_, floor_;
};

}  // namespace medlsam::convolution
