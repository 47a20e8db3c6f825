#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels/convolution/row_products.hpp"
#include "kernels/convolution/tile_reader.hpp"
#include "kernels/convolution/weight_transforms.hpp"
#include "kernels/convolution/winograd.hpp"

namespace medlsam::convolution {

// How a weight's gradient is cut: items are ranges of tiles, or with few tiles those of one panel of outputs.
// Everything follows from the shapes.
struct WeightGradientPlan {
  WeightGradientPlan(std::int64_t of_in, const BlockedLayout& layout)
      : edge(winograd_tile(layout.images, layout.extents) == 4 ? 4 : 2),
        products((edge + 2) * (edge + 2) * (edge + 2)),
        tiles_z((layout.extents.z + edge - 1) / edge),
        tiles_y((layout.extents.y + edge - 1) / edge),
        tiles_x((layout.extents.x + edge - 1) / edge),
        tiles(layout.images * tiles_z * tiles_y * tiles_x),
        in(of_in),
        lanes(layout.lanes),
        // Sums of many channels go through the caches for every such block: it should be worth it.
        at_once(in * layout.channels >= 4096 ? 32 : 16),
        blocks((tiles + at_once - 1) / at_once),
        ranges(std::clamp<std::int64_t>(blocks / 4, 1, 8)),
        in_rows(registers::round_up(in, 8)),
        // As in the convolution: a source's last vectors are written whole, and no two products lie a
        // multiple of 4 KB apart.
        input_row(in_rows + lanes),
        input_step(at_once * input_row + lanes),
        channels(layout.padded_channels()) {
    const bool split = ranges < 4;
    for (std::int64_t block = 0, vectors = 0; block < layout.blocks; block += vectors) {
      vectors = panel_vectors(layout.blocks - block);
      if (split || panels.empty()) panels.push_back({block, 0});
      panels.back().blocks += vectors;
    }
    for (const Panel& panel : panels) widest = std::max(widest, panel.blocks * lanes);
    gradient_step = at_once * widest + lanes;
    items = ranges * static_cast<std::int64_t>(panels.size());
  }

  struct Panel {
    std::int64_t first, blocks;
  };
  struct Place {
    std::int64_t image;
    TilePlace tile;
  };

  Place place(std::int64_t tile) const {
    const std::int64_t x = tile % tiles_x, y = tile / tiles_x % tiles_y,
                       z = tile / tiles_x / tiles_y % tiles_z;
    return {tile / tiles_x / tiles_y / tiles_z, {z * edge, y * edge, x * edge}};
  }
  std::int64_t first_tile(std::int64_t range) const { return blocks * range / ranges * at_once; }

  std::int64_t input_floats() const { return registers::round_up(products * input_step, 16); }
  std::int64_t gradient_floats() const { return registers::round_up(products * gradient_step, 16); }
  std::int64_t sum_floats() const { return products * in_rows * widest; }
  std::int64_t worker_floats() const { return input_floats() + gradient_floats() + sum_floats(); }
  std::int64_t range_floats() const { return kTaps * in_rows * channels; }
  std::int64_t workers(unsigned threads) const {
    return std::min<std::int64_t>(std::max(1U, threads), items);
  }

  const std::int64_t edge, products, tiles_z, tiles_y, tiles_x, tiles;
  const std::int64_t in, lanes, at_once, blocks, ranges, in_rows, input_row, input_step, channels;
  std::vector<Panel> panels;
  std::int64_t widest = 0, gradient_step = 0, items = 0;
};

}  // namespace medlsam::convolution
