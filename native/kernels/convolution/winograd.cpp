#include "kernels/convolution/winograd.hpp"

#include <algorithm>
#include <vector>

#include "base/parallel.hpp"
#include "base/simd.hpp"
#include "kernels/convolution/row_products.hpp"
#include "kernels/convolution/tile_reader.hpp"
#include "kernels/convolution/tile_writer.hpp"

namespace medlsam::convolution {
namespace {

// Tiles that share one reading of the weights, which multiply_rows fetches ahead. With more, weights would be
// read less often, but inputs and products, 1.7 MB at 144 and 96 channels, would lie farther from the
// processor. It must not depend on the threads: the order of the sums does on it.
constexpr std::int64_t kTilesAtOnce = 8;

std::int64_t tile_count(std::int64_t extent, std::int64_t edge) {
  return (extent + edge - 1) / edge;
}

std::int64_t tile_count(const Extents& extents, std::int64_t edge) {
  return tile_count(extents.z, edge) * tile_count(extents.y, edge) * tile_count(extents.x, edge);
}

// Floats that a tile's inputs take for one product. A source's last block may hold more than its channels:
// its vectors are written whole, and the next channels over what is too much.
std::int64_t row_of_inputs(std::span<const Source> sources) {
  std::int64_t row = 0, channel = 0;
  for (const Source& source : sources) {
    const BlockedLayout& layout = source.activations.layout;
    row = std::max(row, channel + layout.padded_channels());
    channel += layout.channels;
  }
  return row;
}

// The work of one convolution: `items` blocks of tiles, none with tiles of two images.
struct Plan {
  Plan(const WinogradWeights& w, const BlockedLayout& layout, std::int64_t inputs)
      : edge(w.tile()),
        tiles_y(tile_count(layout.extents.y, edge)),
        tiles_x(tile_count(layout.extents.x, edge)),
        tiles(tile_count(layout.extents, edge)),
        blocks_of_image((tiles + kTilesAtOnce - 1) / kTilesAtOnce),
        items(layout.images * blocks_of_image),
        row(inputs),
        // The last addend keeps products from lying a multiple of 4 KB apart, in the same places of the
        // caches.
        product_step(kTilesAtOnce * row + layout.lanes),
        channels(layout.padded_channels()),
        input_floats(aligned(w.products() * product_step)),
        product_floats(aligned(w.products() * kTilesAtOnce * channels)) {}

  TilePlace place(std::int64_t tile) const {
    const std::int64_t x = tile % tiles_x, y = tile / tiles_x % tiles_y, z = tile / tiles_x / tiles_y;
    return {z * edge, y * edge, x * edge};
  }
  std::int64_t workers(unsigned threads) const {
    return std::min<std::int64_t>(std::max(1U, threads), items);
  }
  static std::int64_t aligned(std::int64_t floats) { return registers::round_up(floats, 16); }

  const std::int64_t edge, tiles_y, tiles_x, tiles, blocks_of_image, items;
  const std::int64_t row, product_step, channels, input_floats, product_floats;
};

// A thread's.
struct Scratch {
  float* inputs;    // (product, tile, channel of the inputs)
  float* products;  // (block of output channels, tile, product, channel)
};

struct Convolution {
  std::span<const Source> sources;
  const WinogradWeights& weights;
  const ConvolutionOutput& output;
  Plan plan;
};

template <int kLanes, int kOutputs>
class BlockOfTiles {
 public:
  static constexpr int kInputs = Tile<kOutputs>::kInputs, kProducts = Tile<kOutputs>::kProducts;

  BlockOfTiles(const Convolution& all, const Scratch& scratch, std::int64_t item)
      : all_(all),
        plan_(all.plan),
        scratch_(scratch),
        image_(item / plan_.blocks_of_image),
        first_(item % plan_.blocks_of_image * kTilesAtOnce),
        count_(std::min(kTilesAtOnce, plan_.tiles - first_)) {}

  MEDLSAM_INLINE void transform_inputs_of_all() const {
    std::int64_t channel = 0;
    for (const Source& source : all_.sources) {
      const BlockedLayout& layout = source.activations.layout;
      for (std::int64_t block = 0; block < layout.blocks; ++block, channel += kLanes) {
        TileReader<kLanes, kOutputs> reader(source, image_, block);
        for (std::int64_t tile = 0; tile < count_; ++tile) {
          const bool is_last = tile + 1 == count_;
          reader.expect(plan_.place(first_ + (is_last ? 0 : tile + 1)), is_last ? 1 : 0);
          transform_inputs_of(reader, tile, scratch_.inputs + tile * plan_.row + channel);
        }
      }
      channel -= layout.padded_channels() - layout.channels;
    }
  }

  MEDLSAM_INLINE void multiply() const {
    constexpr int kRows = kBlockRows<kLanes>;
    static constexpr std::int64_t kRun[] = {0};
    const std::int64_t blocks = all_.output.layout.blocks;
    for (int product = 0; product < kProducts; ++product) {
      const float* panel = all_.weights.product(product);
      const float* const inputs = scratch_.inputs + product * plan_.product_step;
      std::int64_t vectors = 0;
      for (std::int64_t first = 0; first < blocks; first += vectors) {
        vectors = panel_vectors(blocks - first);
        for (std::int64_t tile = 0; tile < count_; tile += kRows) {
          const float* rows[kRows];
          for (int r = 0; r < kRows; ++r) rows[r] = inputs + (tile + r) * plan_.row;
          float* const out = products(first, tile) + product * kLanes;
          const std::int64_t of_block = kTilesAtOnce * kProducts * kLanes;
          multiply_rows<kLanes, kRows>(
              vectors, rows, kRun, 1, all_.weights.in(),
              panel, [&](int r, int v, const Vector<kLanes>& sum) __attribute__((always_inline)) {
                store<kLanes>(sum, out + v * of_block + r * kProducts * kLanes);
              });
        }
        panel += vectors * kLanes * all_.weights.in();
      }
    }
  }

  MEDLSAM_INLINE void transform_outputs_of_all(Moments* moments) const {
    for (std::int64_t block = 0; block < all_.output.layout.blocks; ++block) {
      TileWriter<kLanes, kOutputs> writer(all_.output, image_, block);
      for (std::int64_t tile = 0; tile < count_; ++tile)
        writer.write(products(block, tile), plan_.place(first_ + tile));
      if (moments != nullptr) writer.add_moments(moments + block * kLanes);
    }
  }

 private:
  float* products(std::int64_t block, std::int64_t tile) const {
    return scratch_.products + (block * kTilesAtOnce + tile) * kProducts * kLanes;
  }

  MEDLSAM_INLINE void transform_inputs_of(const TileReader<kLanes, kOutputs>& reader, std::int64_t tile,
                                          float* out) const {
    const std::int64_t plane = kInputs * kInputs * plan_.product_step;
    using Line = typename TileReader<kLanes, kOutputs>::Line;
    reader.read(
        plan_.place(first_ + tile),
        [](Line & line) __attribute__((always_inline)) { transform_inputs<kLanes>(line); },
        [&](int column, const Line& line) __attribute__((always_inline)) {
          float* const to = out + column * plan_.product_step;
          unrolled<kInputs>([&](auto z)
                                __attribute__((always_inline)) { store<kLanes>(line[z], to + z * plane); });
        });
  }

  const Convolution& all_;
  const Plan& plan_;
  const Scratch scratch_;
  const std::int64_t image_, first_, count_;
};

template <int kLanes, int kOutputs>
MEDLSAM_INLINE void convolve_block(const Convolution& all, const Scratch& scratch, std::int64_t item,
                                   Moments* moments) {
  const BlockOfTiles<kLanes, kOutputs> block(all, scratch, item);
  block.transform_inputs_of_all();
  block.multiply();
  block.transform_outputs_of_all(moments);
}

}  // namespace

int winograd_tile(std::int64_t images, const Extents& extents) {
  // Multiplications for each pair of channels, and the reading of a weight counted as so many of them.
  constexpr std::int64_t kReading = 20;
  const auto cost = [&](std::int64_t edge, std::int64_t products) {
    return products * (images * tile_count(extents, edge) + kReading);
  };
  const std::int64_t as_written = 27 * (images * extents.voxels() + kReading);
  const std::int64_t of_four = cost(4, Tile<4>::kProducts), of_two = cost(2, Tile<2>::kProducts);
  if (std::min(of_four, of_two) > as_written * 3 / 4) return 0;
  return of_four <= of_two ? 4 : 2;
}

std::size_t winograd_scratch(const WinogradWeights& weights, const BlockedLayout& output, unsigned threads) {
  const Plan plan(weights, output, weights.in() + output.lanes);
  return static_cast<std::size_t>(plan.workers(threads) * (plan.input_floats + plan.product_floats));
}

void convolve_winograd(std::span<const Source> sources, const WinogradWeights& weights,
                       const ConvolutionOutput& output, float* scratch, const Task& task) {
  const Convolution all = {sources, weights, output, Plan(weights, output.layout, row_of_inputs(sources))};
  const Plan& plan = all.plan;
  std::vector<Moments> moments(
      output.moments == nullptr ? 0 : static_cast<std::size_t>(plan.items * plan.channels));
  parallel_for(task, static_cast<std::size_t>(plan.items), [&](std::size_t index, std::size_t worker) {
    float* const memory =
        scratch + static_cast<std::int64_t>(worker) * (plan.input_floats + plan.product_floats);
    const auto item = static_cast<std::int64_t>(index);
    Moments* const sums = moments.empty() ? nullptr : moments.data() + item * plan.channels;
    run_simd([&](auto lanes) __attribute__((always_inline)) {
      const Scratch own = {memory, memory + plan.input_floats};
      if (plan.edge == 4)
        convolve_block<lanes, 4>(all, own, item, sums);
      else
        convolve_block<lanes, 2>(all, own, item, sums);
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
