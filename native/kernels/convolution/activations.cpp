#include "kernels/convolution/activations.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/parallel.hpp"
#include "base/simd.hpp"
#include "kernels/register_blocks.hpp"
#include "kernels/transpose.hpp"

namespace medlsam::convolution {
namespace {

using registers::Vector;

std::int64_t rounded_to_tiles(std::int64_t extent) {
  return (extent + kTile - 1) / kTile * kTile;
}

// body(image, block) for all blocks of channels.
template <class Body>
void for_each_block(const BlockedLayout& layout, const Task& task, const Body& body) {
  parallel_for(task, static_cast<std::size_t>(layout.images * layout.blocks),
               [&](std::size_t item, std::size_t) {
                 const auto i = static_cast<std::int64_t>(item);
                 body(i / layout.blocks, i % layout.blocks);
               });
}

// A row's voxels of some channels to one row for each channel.
template <int kLanes>
MEDLSAM_INLINE void row_to_rows(const Activations& activations, const float* row, std::int64_t channel,
                                std::int64_t lanes_used, std::int64_t step, float* out) {
  Vector<kLanes> scale, offset;
  registers::load<kLanes>(scale, activations.scale + channel);
  registers::load<kLanes>(offset, activations.offset + channel);
  const Vector<kLanes> floor = Vector<kLanes>{} + activations.floor;
  const std::int64_t width = activations.layout.extents.x;
  for (std::int64_t begin = 0; begin < width; begin += kLanes) {
    alignas(64) float block[kLanes][kLanes];  // (x, channel)
    const std::int64_t count = std::min<std::int64_t>(kLanes, width - begin);
    for (std::int64_t x = 0; x < count; ++x) {
      Vector<kLanes> value;
      registers::load<kLanes>(value, row + (begin + x) * kLanes);
      value = value * scale + offset;
      value = value > floor ? value : floor;
      registers::store<kLanes>(value, block[x]);
    }
    if (count == kLanes && lanes_used == kLanes) {
      registers::transpose<kLanes>(block[0], kLanes, out + begin, step);
      continue;
    }
    for (std::int64_t c = 0; c < lanes_used; ++c) {
      float* const to = out + c * step + begin;
      if (count == kLanes) {
        for (int x = 0; x < kLanes; ++x) to[x] = block[x][c];
      } else {
        for (std::int64_t x = 0; x < count; ++x) to[x] = block[x][c];
      }
    }
  }
}

template <int kLanes>
MEDLSAM_INLINE void pool_block(const BlockedLayout& layout, const float* from, const BlockedLayout& pooled,
                               float* to) {
  for (std::int64_t z = 0; z < pooled.extents.z; ++z) {
    for (std::int64_t y = 0; y < pooled.extents.y; ++y) {
      for (std::int64_t x = 0; x < pooled.extents.x; ++x) {
        const float* const first = from + 2 * z * layout.plane + 2 * y * layout.row + 2 * x * kLanes;
        Vector<kLanes> greatest, other;
        registers::load<kLanes>(greatest, first);
        for (int i = 1; i < 8; ++i) {
          registers::load<kLanes>(other,
                                  first + i / 4 * layout.plane + i / 2 % 2 * layout.row + i % 2 * kLanes);
          greatest = greatest > other ? greatest : other;
        }
        registers::store<kLanes>(greatest, to + z * pooled.plane + y * pooled.row + x * kLanes);
      }
    }
  }
}

}  // namespace

int block_lanes() {
  return run_simd([](auto lanes) { return static_cast<int>(lanes); });
}

BlockedLayout::BlockedLayout(std::int64_t of_images, std::int64_t of_channels, Extents of_extents)
    : images(of_images),
      channels(of_channels),
      extents(of_extents),
      lanes(block_lanes()),
      blocks((channels + lanes - 1) / lanes),
      row((rounded_to_tiles(extents.x) + 2) * lanes),
      plane((rounded_to_tiles(extents.y) + 2) * row),
      block((rounded_to_tiles(extents.z) + 2) * plane),
      image(blocks * block) {}

void fill_border(const BlockedLayout& layout, float* values, float border, const Task& task) {
  const std::vector<float> borders(static_cast<std::size_t>(layout.images * layout.padded_channels()),
                                   border);
  fill_border(layout, values, borders.data(), task);
}

void fill_border(const BlockedLayout& layout, float* values, const float* borders, const Task& task) {
  for_each_block(layout, task, [&](std::int64_t image, std::int64_t block) {
    const float* const border = borders + image * layout.padded_channels() + block * layout.lanes;
    const auto fill = [&](float* from, const float* end) {
      for (; from < end; from += layout.lanes) std::copy_n(border, layout.lanes, from);
    };
    float* const begin = values + image * layout.image + block * layout.block;
    const std::int64_t width = layout.extents.x * layout.lanes;
    float* done = begin;  // what lies before it is filled, or inside the image
    for (std::int64_t z = 0; z < layout.extents.z; ++z) {
      for (std::int64_t y = 0; y < layout.extents.y; ++y) {
        float* const inside = begin + (z + 1) * layout.plane + (y + 1) * layout.row + layout.lanes;
        fill(done, inside);
        done = inside + width;
      }
    }
    fill(done, begin + layout.block);
  });
}

void normalization(const BlockedLayout& layout, const Moments* moments, double epsilon, float* scale,
                   float* offset) {
  const auto voxels = static_cast<double>(layout.extents.voxels());
  for (std::int64_t i = 0; i < layout.images * layout.padded_channels(); ++i) {
    const double mean = moments[i].sum / voxels;
    const double variance = std::max(0.0, moments[i].squares / voxels - mean * mean);
    const double factor = 1 / std::sqrt(variance + epsilon);
    scale[i] = static_cast<float>(factor);
    offset[i] = static_cast<float>(-mean * factor);
  }
}

void from_rows(const float* rows, const BlockedLayout& layout, float* values, const Task& task) {
  const auto [depth, height, width] = layout.extents;
  for_each_block(layout, task, [&](std::int64_t image, std::int64_t block) {
    float* const begin = values + image * layout.image + block * layout.block;
    std::fill_n(begin, layout.block, 0.0f);
    const std::int64_t first = block * layout.lanes, lanes = std::min(layout.lanes, layout.channels - first);
    for (std::int64_t c = 0; c < lanes; ++c) {
      const float* from = rows + (image * layout.channels + first + c) * layout.extents.voxels();
      for (std::int64_t z = 0; z < depth; ++z) {
        for (std::int64_t y = 0; y < height; ++y, from += width) {
          float* const to = values + layout.origin(image, block) + z * layout.plane + y * layout.row + c;
          for (std::int64_t x = 0; x < width; ++x) to[x * layout.lanes] = from[x];
        }
      }
    }
  });
}

void to_rows(const Activations& activations, float* rows, const Task& task) {
  const BlockedLayout& layout = activations.layout;
  const auto [depth, height, width] = layout.extents;
  const std::int64_t voxels = layout.extents.voxels();
  // One plane of one block is an item.
  parallel_for(
      task, static_cast<std::size_t>(layout.images * layout.blocks * depth),
      [&](std::size_t item, std::size_t) {
        const auto i = static_cast<std::int64_t>(item);
        const std::int64_t z = i % depth, block = i / depth % layout.blocks,
                           image = i / depth / layout.blocks;
        const std::int64_t first = block * layout.lanes,
                           used = std::min(layout.lanes, layout.channels - first);
        const float* const plane = activations.values + layout.origin(image, block) + z * layout.plane;
        float* const out = rows + (image * layout.channels + first) * voxels + z * height * width;
        run_simd([&](auto lanes) __attribute__((always_inline)) {
          for (std::int64_t y = 0; y < height; ++y) {
            row_to_rows<lanes>(activations, plane + y * layout.row, image * layout.padded_channels() + first,
                               used, voxels, out + y * width);
          }
        });
      });
}

void max_pool(const BlockedLayout& layout, const float* values, const BlockedLayout& pooled_layout,
              float* pooled, const Task& task) {
  for_each_block(layout, task, [&](std::int64_t image, std::int64_t block) {
    run_simd([&](auto lanes) __attribute__((always_inline)) {
      pool_block<lanes>(layout, values + layout.origin(image, block), pooled_layout,
                        pooled + pooled_layout.origin(image, block));
    });
  });
}

}  // namespace medlsam::convolution
