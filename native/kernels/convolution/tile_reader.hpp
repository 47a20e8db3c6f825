// Reads the 6³ inputs of a tile, with all that is still to be done to them.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/convolution/tile_transforms.hpp"
#include "kernels/convolution/winograd.hpp"

namespace medlsam::convolution {

// The place of a tile's first output voxel.
struct TilePlace {
  std::int64_t z = 0, y = 0, x = 0;
};

template <int kLanes>
class TileReader {
 public:
  using Vector = registers::Vector<kLanes>;
  using Line = Vector[kTileInputs];

  TileReader(const Source& source, std::int64_t image, std::int64_t block) : source_(source) {
    const Activations& activations = source.activations;
    const BlockedLayout& layout = activations.layout;
    origin_ = activations.values + layout.origin(image, block);
    const std::int64_t channel = image * layout.padded_channels() + block * kLanes;
    registers::load<kLanes>(scale_, activations.scale + channel);
    registers::load<kLanes>(offset_, activations.offset + channel);
    floor_ = Vector{} + activations.floor;
  }

  // inputs[z][y] are lines along x, from one voxel before the tile to one after it.
  MEDLSAM_INLINE void read(const TilePlace& tile, Line (&inputs)[kTileInputs][kTileInputs]) const {
    if (source_.upsampled) {
      read_upsampled(tile, inputs);
    } else {
      read_plain(tile, inputs);
    }
  }

 private:
  MEDLSAM_INLINE void finish(Vector& value) const {
    value = value * scale_ + offset_;
    value = value > floor_ ? value : floor_;
  }

  MEDLSAM_INLINE void read_plain(const TilePlace& tile, Line (&inputs)[kTileInputs][kTileInputs]) const {
    const BlockedLayout& layout = source_.activations.layout;
    const float* const first =
        origin_ + (tile.z - 1) * layout.plane + (tile.y - 1) * layout.row + (tile.x - 1) * kLanes;
    for (int z = 0; z < kTileInputs; ++z) {
      for (int y = 0; y < kTileInputs; ++y) {
        const float* const line = first + z * layout.plane + y * layout.row;
        registers::unrolled<kTileInputs>([&](auto x) __attribute__((always_inline)) {
          registers::load<kLanes>(inputs[z][y][x], line + x * kLanes);
          finish(inputs[z][y][x]);
        });
        for (int x = 0; x < kTileOutputs; ++x) __builtin_prefetch(line + (kTileInputs + x) * kLanes);
      }
    }
  }

  // Voxel o of the upsampled image is 3/4 of voxel ⌊o/2⌋ and 1/4 of the one before (o even) or after it. A
  // tile begins at an even one, so that four voxels along each axis make the six.
  MEDLSAM_INLINE static void interpolate(const Vector (&from)[4], Line& to) {
    const Vector quarter[4] = {0.25f * from[0], 0.25f * from[1], 0.25f * from[2], 0.25f * from[3]};
    to[0] = 0.75f * from[0] + quarter[1];
    to[1] = 0.75f * from[1] + quarter[0];
    to[2] = 0.75f * from[1] + quarter[2];
    to[3] = 0.75f * from[2] + quarter[1];
    to[4] = 0.75f * from[2] + quarter[3];
    to[5] = 0.75f * from[3] + quarter[2];
  }

  // Clears what the convolution sees outside the upsampled image.
  MEDLSAM_INLINE static void clear_outside(std::int64_t first, std::int64_t extent, Line& line) {
    for (int i = 0; i < kTileInputs; ++i) {
      const std::int64_t at = first + i;
      if (at < 0 || at >= extent) line[i] = Vector{};
    }
  }

  MEDLSAM_INLINE void read_upsampled(const TilePlace& tile, Line (&inputs)[kTileInputs][kTileInputs]) const {
    const BlockedLayout& layout = source_.activations.layout;
    const Extents& small = layout.extents;
    const auto clamped = [](std::int64_t at, std::int64_t extent) __attribute__((always_inline)) {
      return std::clamp<std::int64_t>(at, 0, extent - 1);
    };
    Vector lines[4][4][kTileInputs];  // upsampled along x
    for (int z = 0; z < 4; ++z) {
      for (int y = 0; y < 4; ++y) {
        const float* const line = origin_ + clamped(tile.z / 2 - 1 + z, small.z) * layout.plane +
                                  clamped(tile.y / 2 - 1 + y, small.y) * layout.row;
        Vector from[4];
        for (int x = 0; x < 4; ++x) {
          registers::load<kLanes>(from[x], line + clamped(tile.x / 2 - 1 + x, small.x) * kLanes);
          finish(from[x]);
        }
        interpolate(from, lines[z][y]);
        clear_outside(tile.x - 1, 2 * small.x, lines[z][y]);
      }
    }
    Vector planes[4][kTileInputs][kTileInputs];  // and along y
    for (int z = 0; z < 4; ++z) {
      for (int x = 0; x < kTileInputs; ++x) {
        const Vector from[4] = {lines[z][0][x], lines[z][1][x], lines[z][2][x], lines[z][3][x]};
        Line to;
        interpolate(from, to);
        clear_outside(tile.y - 1, 2 * small.y, to);
        for (int y = 0; y < kTileInputs; ++y) planes[z][y][x] = to[y];
      }
    }
    for (int y = 0; y < kTileInputs; ++y) {
      for (int x = 0; x < kTileInputs; ++x) {
        const Vector from[4] = {planes[0][y][x], planes[1][y][x], planes[2][y][x], planes[3][y][x]};
        Line to;
        interpolate(from, to);
        clear_outside(tile.z - 1, 2 * small.z, to);
        for (int z = 0; z < kTileInputs; ++z) inputs[z][y][x] = to[z];
      }
    }
  }

  const Source& source_;
  const float* origin_;
  Vector scale_, offset_, floor_;
};

}  // namespace medlsam::convolution
