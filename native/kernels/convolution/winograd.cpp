#include "kernels/convolution/winograd.hpp"

#include <algorithm>

#include "base/parallel.hpp"
#include "base/simd.hpp"
#include "kernels/convolution/row_products.hpp"
#include "kernels/convolution/tile_reader.hpp"
#include "kernels/convolution/tile_writer.hpp"

namespace medlsam::convolution {
namespace {

// Tiles that share one reading of the weights. Their inputs and products should stay in the caches next to
// the processor: at 144 and 96 channels 32 tiles take 4 and 3 MB, and reading the weights (12 MB) for fewer
// costs more. It follows from shapes alone: the order of the sums must not depend on the threads.
std::int64_t tiles_at_once(std::int64_t tiles) {
  return tiles >= 512 ? 32 : tiles >= 64 ? 16 : 8;
}

std::int64_t tile_count(std::int64_t extent) {
  return (extent + kTile - 1) / kTile;
}

// The work of one convolution: `items` blocks of tiles, none with tiles of two images.
struct Plan {
  Plan(std::span<const Source> from, const WinogradWeights& w, const ConvolutionOutput& to)
      : sources(from), weights(w), output(to) {
    const Extents& extents = to.layout.extents;
    tiles_z = tile_count(extents.z), tiles_y = tile_count(extents.y), tiles_x = tile_count(extents.x);
    tiles = tiles_z * tiles_y * tiles_x;
    at_once = tiles_at_once(tiles);
    blocks_of_image = (tiles + at_once - 1) / at_once;
    items = to.layout.images * blocks_of_image;
    // The last block of a source may hold channels it has not; its vectors are written whole, and the next
    // channels over what they hold too much.
    row = w.in() + to.layout.lanes;
    product_step = at_once * row + to.layout.lanes;
    channels = to.layout.padded_channels();
  }

  TilePlace place(std::int64_t tile) const {
    const std::int64_t x = tile % tiles_x, y = tile / tiles_x % tiles_y, z = tile / tiles_x / tiles_y;
    return {z * kTile, y * kTile, x * kTile};
  }

  std::span<const Source> sources;
  const WinogradWeights& weights;
  const ConvolutionOutput& output;
  std::int64_t tiles_z, tiles_y, tiles_x, tiles, at_once, blocks_of_image, items;
  std::int64_t row, product_step, channels;
};

struct Scratch {
  explicit Scratch(const Plan& plan)
      : inputs(static_cast<std::size_t>(kTileProducts * plan.product_step + plan.output.layout.lanes)),
        products(static_cast<std::size_t>(kTileProducts * plan.at_once * plan.channels)) {}

  LargeFloats inputs;    // (product, tile, channel of the inputs)
  LargeFloats products;  // (block of output channels, tile, product, channel)
};

template <int kLanes>
class BlockOfTiles {
 public:
  BlockOfTiles(const Plan& plan, Scratch& scratch, std::int64_t item)
      : plan_(plan),
        scratch_(scratch),
        image_(item / plan.blocks_of_image),
        first_(item % plan.blocks_of_image * plan.at_once),
        count_(std::min(plan.at_once, plan.tiles - first_)) {}

  MEDLSAM_INLINE void transform_inputs_of_all() const {
    std::int64_t channel = 0;
    for (const Source& source : plan_.sources) {
      const BlockedLayout& layout = source.activations.layout;
      for (std::int64_t block = 0; block < layout.blocks; ++block, channel += kLanes) {
        const TileReader<kLanes> reader(source, image_, block);
        for (std::int64_t tile = 0; tile < count_; ++tile)
          transform_inputs_of(reader, tile, scratch_.inputs.data() + tile * plan_.row + channel);
      }
      channel -= layout.padded_channels() - layout.channels;
    }
  }

  MEDLSAM_INLINE void multiply() const {
    constexpr int kRows = kBlockRows<kLanes>;
    static constexpr std::int64_t kRun[] = {0};
    const std::int64_t blocks = plan_.output.layout.blocks;
    for (int product = 0; product < kTileProducts; ++product) {
      const float* panel = plan_.weights.product(product);
      const float* const inputs = scratch_.inputs.data() + product * plan_.product_step;
      std::int64_t vectors = 0;
      for (std::int64_t first = 0; first < blocks; first += vectors) {
        vectors = panel_vectors(blocks - first);
        for (std::int64_t tile = 0; tile < count_; tile += kRows) {
          const float* rows[kRows];
          for (int r = 0; r < kRows; ++r) rows[r] = inputs + (tile + r) * plan_.row;
          float* const out = products(first, tile) + product * kLanes;
          const std::int64_t of_block = plan_.at_once * kTileProducts * kLanes;
          multiply_rows<kLanes, kRows>(
              vectors, rows, kRun, 1, plan_.weights.in(),
              panel, [&](int r, int v, const Vector<kLanes>& sum) __attribute__((always_inline)) {
                store<kLanes>(sum, out + v * of_block + r * kTileProducts * kLanes);
              });
        }
        panel += vectors * kLanes * plan_.weights.in();
      }
    }
  }

  MEDLSAM_INLINE void transform_outputs_of_all(Moments* moments) const {
    for (std::int64_t block = 0; block < plan_.output.layout.blocks; ++block) {
      TileWriter<kLanes> writer(plan_.output, image_, block);
      for (std::int64_t tile = 0; tile < count_; ++tile)
        writer.write(products(block, tile), plan_.place(first_ + tile));
      if (moments != nullptr) writer.add_moments(moments + block * kLanes);
    }
  }

 private:
  float* products(std::int64_t block, std::int64_t tile) const {
    return scratch_.products.data() + (block * plan_.at_once + tile) * kTileProducts * kLanes;
  }

  MEDLSAM_INLINE void transform_inputs_of(const TileReader<kLanes>& reader, std::int64_t tile,
                                          float* out) const {
    Vector<kLanes> lines[kTileInputs][kTileInputs][kTileInputs];
    reader.read(plan_.place(first_ + tile), lines);
    for (int z = 0; z < kTileInputs; ++z) {
      for (int y = 0; y < kTileInputs; ++y) transform_inputs<kLanes>(lines[z][y]);
      for (int x = 0; x < kTileInputs; ++x) {
        Vector<kLanes> line[kTileInputs];
        unrolled<kTileInputs>([&](auto y) __attribute__((always_inline)) { line[y] = lines[z][y][x]; });
        transform_inputs<kLanes>(line);
        unrolled<kTileInputs>([&](auto y) __attribute__((always_inline)) { lines[z][y][x] = line[y]; });
      }
    }
    for (int y = 0; y < kTileInputs; ++y) {
      for (int x = 0; x < kTileInputs; ++x) {
        Vector<kLanes> line[kTileInputs];
        unrolled<kTileInputs>([&](auto z) __attribute__((always_inline)) { line[z] = lines[z][y][x]; });
        transform_inputs<kLanes>(line);
        unrolled<kTileInputs>([&](auto z) __attribute__((always_inline)) {
          store<kLanes>(line[z], out + ((z * kTileInputs + y) * kTileInputs + x) * plan_.product_step);
        });
      }
    }
  }

  const Plan& plan_;
  Scratch& scratch_;
  const std::int64_t image_, first_, count_;
};

}  // namespace

void convolve_winograd(std::span<const Source> sources, const WinogradWeights& weights,
                       const ConvolutionOutput& output, const Task& task) {
  const Plan plan(sources, weights, output);
  std::vector<Scratch> scratch;
  for (unsigned i = 0; i < std::min<std::int64_t>(std::max(1U, task.threads), plan.items); ++i)
    scratch.emplace_back(plan);
  std::vector<Moments> moments(
      output.moments == nullptr ? 0 : static_cast<std::size_t>(plan.items * plan.channels));
  parallel_for(task, static_cast<std::size_t>(plan.items), [&](std::size_t item, std::size_t worker) {
    run_simd([&](auto lanes) __attribute__((always_inline)) {
      const BlockOfTiles<lanes> block(plan, scratch[worker], static_cast<std::int64_t>(item));
      block.transform_inputs_of_all();
      block.multiply();
      block.transform_outputs_of_all(
          moments.empty() ? nullptr : moments.data() + static_cast<std::int64_t>(item) * plan.channels);
    });
  });
  if (output.moments == nullptr) return;
  std::fill_n(output.moments, output.layout.images * plan.channels, Moments{});
  for (std::int64_t item = 0; item < plan.items; ++item) {
    Moments* const sums = output.moments + item / plan.blocks_of_image * plan.channels;
    for (std::int64_t c = 0; c < plan.channels; ++c) {
      sums[c].sum += moments[static_cast<std::size_t>(item * plan.channels + c)].sum;
      sums[c].squares += moments[static_cast<std::size_t>(item * plan.channels + c)].squares;
    }
  }
}

}  // namespace medlsam::convolution
