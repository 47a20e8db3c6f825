#include "kernels/convolution/weight_gradient.hpp"

#include <algorithm>
#include <vector>

#include "base/parallel.hpp"
#include "base/simd.hpp"
#include "kernels/convolution/row_products.hpp"
#include "kernels/convolution/tile_reader.hpp"
#include "kernels/convolution/weight_gradient_plan.hpp"
#include "kernels/convolution/weight_transforms.hpp"

namespace medlsam::convolution {
namespace {

struct Gradient {
  std::span<const Source> sources;
  const BlockedLayout& output;
  const float* values;
  WeightGradientPlan plan;
};

// A thread's.
struct Scratch {
  float* inputs;     // (product, tile, input channel)
  float* gradients;  // (product, tile, output channel)
  float* sums;       // (product, input channel, output channel)
};

// sums (kRows, kVectors·kLanes) = or += Σ over tiles of inputs[tile][row]·gradients[tile].
template <int kLanes, int kRows, int kVectors>
MEDLSAM_INLINE void add_tiles(const float* inputs, std::int64_t input_row, const float* gradients,
                              std::int64_t width, std::int64_t tiles, bool is_first, float* sums) {
  Vector<kLanes> total[kRows][kVectors] = {};
  if (!is_first) {
    unrolled<kRows>([&](auto r) __attribute__((always_inline)) {
      unrolled<kVectors>([&](auto v) __attribute__((always_inline)) {
        load<kLanes>(total[r][v], sums + r * width + v * kLanes);
      });
    });
  }
  for (std::int64_t tile = 0; tile < tiles; ++tile, inputs += input_row, gradients += width) {
    Vector<kLanes> of_tile[kVectors];
    unrolled<kVectors>([&](auto v) __attribute__((always_inline)) {
      load<kLanes>(of_tile[v], gradients + v * kLanes);
    });
    unrolled<kRows>([&](auto r) __attribute__((always_inline)) {
      const float factor = inputs[r];
      unrolled<kVectors>([&](auto v) __attribute__((always_inline)) { total[r][v] += factor * of_tile[v]; });
    });
  }
  unrolled<kRows>([&](auto r) __attribute__((always_inline)) {
    unrolled<kVectors>([&](auto v) __attribute__((always_inline)) {
      store<kLanes>(total[r][v], sums + r * width + v * kLanes);
    });
  });
}

template <int kLanes, int kOutputs>
class RangeOfTiles {
 public:
  static constexpr int kInputs = Tile<kOutputs>::kInputs, kProducts = Tile<kOutputs>::kProducts;

  RangeOfTiles(const Gradient& all, const Scratch& scratch, const WeightGradientPlan::Panel& panel)
      : all_(all), plan_(all.plan), scratch_(scratch), panel_(panel), width_(panel.blocks * kLanes) {}

  MEDLSAM_INLINE void sum(std::int64_t range) const {
    const std::int64_t begin = plan_.first_tile(range),
                       end = std::min(plan_.tiles, plan_.first_tile(range + 1));
    for (std::int64_t first = begin; first < end; first += plan_.at_once) {
      const std::int64_t count = std::min(plan_.at_once, end - first);
      for (std::int64_t tile = 0; tile < count; ++tile) {
        const WeightGradientPlan::Place place = plan_.place(first + tile);
        transform_tile_inputs(place, scratch_.inputs + tile * plan_.input_row);
        transform_tile_gradients(place, scratch_.gradients + tile * width_);
      }
      multiply(count, first == begin);
    }
  }

  // To the weights' gradients: (tap, input channel, output channel).
  MEDLSAM_INLINE void transform_back(float* out) const {
    const std::int64_t step = plan_.in_rows * width_, out_step = plan_.in_rows * plan_.channels;
    for (std::int64_t i = 0; i < plan_.in; ++i) {
      for (std::int64_t block = 0; block < panel_.blocks; ++block) {
        transform_back(scratch_.sums + i * width_ + block * kLanes, step,
                       out + i * plan_.channels + (panel_.first + block) * kLanes, out_step);
      }
    }
  }

 private:
  MEDLSAM_INLINE void transform_tile_inputs(const WeightGradientPlan::Place& place, float* out) const {
    using Line = typename TileReader<kLanes, kOutputs>::Line;
    const std::int64_t plane = kInputs * kInputs * plan_.input_step;
    for (const Source& source : all_.sources) {
      const BlockedLayout& layout = source.activations.layout;
      float* to = out;
      for (std::int64_t block = 0; block < layout.blocks; ++block, to += kLanes) {
        TileReader<kLanes, kOutputs>(source, place.image, block)
            .read(
                place.tile,
                [](Line & line) __attribute__((always_inline)) { transform_inputs<kLanes>(line); },
                [&](int column, const Line& line) __attribute__((always_inline)) {
                  float* const first = to + column * plan_.input_step;
                  unrolled<kInputs>([&](auto z) __attribute__((always_inline)) {
                    store<kLanes>(line[z], first + z * plane);
                  });
                });
      }
      out += layout.channels;
    }
  }

  MEDLSAM_INLINE void transform_tile_gradients(const WeightGradientPlan::Place& place, float* out) const {
    const BlockedLayout& layout = all_.output;
    for (std::int64_t block = 0; block < panel_.blocks; ++block, out += kLanes) {
      const float* const from = all_.values + layout.origin(place.image, panel_.first + block) +
                                place.tile.z * layout.plane + place.tile.y * layout.row +
                                place.tile.x * kLanes;
      Vector<kLanes> x_done[kOutputs][kOutputs][kInputs], y_done[kOutputs][kInputs][kInputs];
      for (int z = 0; z < kOutputs; ++z) {
        for (int y = 0; y < kOutputs; ++y) {
          Vector<kLanes> line[kOutputs];
          unrolled<kOutputs>([&](auto x) __attribute__((always_inline)) {
            load<kLanes>(line[x], from + z * layout.plane + y * layout.row + x * kLanes);
          });
          transform_gradients<kLanes>(line, x_done[z][y]);
        }
        for (int x = 0; x < kInputs; ++x) {
          Vector<kLanes> line[kOutputs], result[kInputs];
          unrolled<kOutputs>([&](auto y) __attribute__((always_inline)) { line[y] = x_done[z][y][x]; });
          transform_gradients<kLanes>(line, result);
          unrolled<kInputs>([&](auto y) __attribute__((always_inline)) { y_done[z][y][x] = result[y]; });
        }
      }
      for (int column = 0; column < kInputs * kInputs; ++column) {
        Vector<kLanes> line[kOutputs], result[kInputs];
        unrolled<kOutputs>([&](auto z) __attribute__((always_inline)) {
          line[z] = y_done[z][column / kInputs][column % kInputs];
        });
        transform_gradients<kLanes>(line, result);
        unrolled<kInputs>([&](auto z) __attribute__((always_inline)) {
          store<kLanes>(result[z], out + (z * kInputs * kInputs + column) * plan_.gradient_step);
        });
      }
    }
  }

  MEDLSAM_INLINE void multiply(std::int64_t tiles, bool is_first) const {
    constexpr int kRows = kBlockRows<kLanes>;
    for (int product = 0; product < kProducts; ++product) {
      const float* const inputs = scratch_.inputs + product * plan_.input_step;
      const float* const gradients = scratch_.gradients + product * plan_.gradient_step;
      float* const sums = scratch_.sums + product * plan_.in_rows * width_;
      std::int64_t vectors = 0;
      for (std::int64_t block = 0; block < panel_.blocks; block += vectors) {
        vectors = panel_vectors(panel_.blocks - block);
        for (std::int64_t i = 0; i < plan_.in_rows; i += kRows)
          add(vectors, inputs + i, gradients + block * kLanes, tiles, is_first,
              sums + i * width_ + block * kLanes);
      }
    }
  }

  MEDLSAM_INLINE void add(std::int64_t vectors, const float* inputs, const float* gradients,
                          std::int64_t tiles, bool is_first, float* sums) const {
    constexpr int kRows = kBlockRows<kLanes>;
    if (vectors == 3) {
      add_tiles<kLanes, kRows, 3>(inputs, plan_.input_row, gradients, width_, tiles, is_first, sums);
    } else if (vectors == 2) {
      add_tiles<kLanes, kRows, 2>(inputs, plan_.input_row, gradients, width_, tiles, is_first, sums);
    } else {
      add_tiles<kLanes, kRows, 1>(inputs, plan_.input_row, gradients, width_, tiles, is_first, sums);
    }
  }

  MEDLSAM_INLINE static void transform_back(const float* products, std::int64_t step, float* out,
                                            std::int64_t out_step) {
    Vector<kLanes> weights[kTaps] = {};
    for (int z = 0; z < kInputs; ++z) {
      Vector<kLanes> plane[9] = {};
      unrolled<kInputs>([&](auto y) __attribute__((always_inline)) {
        Vector<kLanes> line[3] = {};
        unrolled<kInputs>([&](auto x) __attribute__((always_inline)) {
          Vector<kLanes> product;
          load<kLanes>(product, products + ((z * kInputs + y) * kInputs + x) * step);
          unrolled<3>([&](auto i) __attribute__((always_inline)) {
            line[i] += weight_factor<kOutputs>(x, i) * product;
          });
        });
        unrolled<9>([&](auto i) __attribute__((always_inline)) {
          plane[i] += weight_factor<kOutputs>(y, i / 3) * line[i % 3];
        });
      });
      for (int i = 0; i < kTaps; ++i) weights[i] += weight_factor<kOutputs>(z, i / 9) * plane[i % 9];
    }
    for (int i = 0; i < kTaps; ++i) store<kLanes>(weights[i], out + i * out_step);
  }

  const Gradient& all_;
  const WeightGradientPlan& plan_;
  const Scratch scratch_;
  const WeightGradientPlan::Panel& panel_;
  const std::int64_t width_;
};

template <int kLanes, int kOutputs>
MEDLSAM_INLINE void sum_range(const Gradient& all, const Scratch& scratch, std::int64_t item, float* out) {
  const RangeOfTiles<kLanes, kOutputs> range(
      all, scratch, all.plan.panels[static_cast<std::size_t>(item / all.plan.ranges)]);
  range.sum(item % all.plan.ranges);
  range.transform_back(out + item % all.plan.ranges * all.plan.range_floats());
}

// `parts`: (range, tap, input row, output channel); weights: (out, in, tap).
void add_ranges(const WeightGradientPlan& plan, std::int64_t ranges, std::int64_t out, const float* parts,
                float* weights, const Task& task) {
  parallel_for(task, static_cast<std::size_t>(plan.in), [&](std::size_t item, std::size_t) {
    const auto i = static_cast<std::int64_t>(item);
    for (int tap = 0; tap < kTaps; ++tap) {
      const float* const from = parts + (tap * plan.in_rows + i) * plan.channels;
      for (std::int64_t o = 0; o < out; ++o) {
        float sum = 0;
        for (std::int64_t range = 0; range < ranges; ++range) sum += from[range * plan.range_floats() + o];
        weights[(o * plan.in + i) * kTaps + tap] = sum;
      }
    }
  });
}

}  // namespace

std::size_t weight_gradient_scratch(std::int64_t in, const BlockedLayout& output, unsigned threads) {
  const WeightGradientPlan plan(in, output);
  return static_cast<std::size_t>(plan.workers(threads) * plan.worker_floats() +
                                  plan.ranges * plan.range_floats());
}

void weight_gradient(std::span<const Source> sources, const BlockedLayout& output, const float* gradient,
                     float* weights, float* scratch, const Task& task) {
  std::int64_t in = 0;
  for (const Source& source : sources) in += source.activations.layout.channels;
  const Gradient all = {sources, output, gradient, WeightGradientPlan(in, output)};
  const WeightGradientPlan& plan = all.plan;
  float* const parts = scratch + plan.workers(task.threads) * plan.worker_floats();
  parallel_for(task, static_cast<std::size_t>(plan.items), [&](std::size_t item, std::size_t worker) {
    float* const memory = scratch + static_cast<std::int64_t>(worker) * plan.worker_floats();
    const Scratch own = {memory, memory + plan.input_floats(),
                         memory + plan.input_floats() + plan.gradient_floats()};
    run_simd([&](auto lanes) __attribute__((always_inline)) {
      if (plan.edge == 4)
        sum_range<lanes, 4>(all, own, static_cast<std::int64_t>(item), parts);
      else
        sum_range<lanes, 2>(all, own, static_cast<std::int64_t>(item), parts);
    });
  });
  add_ranges(plan, plan.ranges, output.channels, parts, weights, task);
}

}  // namespace medlsam::convolution
