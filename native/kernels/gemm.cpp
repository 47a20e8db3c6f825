#include "kernels/gemm.hpp"

#include <algorithm>

#include "base/parallel.hpp"
#include "kernels/gemm_block.hpp"
#include "kernels/gemm_pack.hpp"
#include "kernels/gemm_store.hpp"
#include "kernels/scratch.hpp"

namespace medlsam {
namespace {

using namespace gemm;

// Floats of a block's packed rows: with a panel of columns they fill most of the second cache (1 MB).
constexpr std::int64_t kBlockFloats = 128 * 1024;
constexpr std::int64_t kMostRows = 240, kFewestRows = 48;
constexpr std::int64_t kTallestStrip = 12;  // of any level; the others' heights divide it
// Columns of an item, unless threads would be idle: packing a row costs as much as a few columns.
constexpr std::int64_t kFewestColumns = 256;
constexpr std::int64_t kItemsPerThread = 4;
// Multiply-adds below which waking a thread costs more than it gains.
constexpr std::int64_t kSmallProduct = 1 << 18;

// How a product is cut into items that may run in any order: blocks of rows times groups of panels.
struct Items {
  std::int64_t rows, panels, blocks = 1, groups = 1;

  Items(std::int64_t rows_, std::int64_t columns, std::int64_t depth, std::int64_t width, unsigned threads)
      : rows(rows_), panels(divided_up(columns, width)) {
    const std::int64_t height = std::clamp(kBlockFloats / depth, kFewestRows, kMostRows);
    blocks = divided_up(rows, height);
    if (threads <= 1 || rows * columns * depth < kSmallProduct) return;
    if (blocks >= threads) blocks = round_up(blocks, threads);  // so that all end at about the same time
    const std::int64_t wanted = kItemsPerThread * threads;
    // Few rows share the columns out as finely as it takes: there is little to pack.
    const std::int64_t fewest = rows > kFewestRows ? kFewestColumns : width;
    const std::int64_t most = std::max<std::int64_t>(1, columns / fewest);
    groups = std::clamp(divided_up(wanted, blocks), std::int64_t{1}, std::min(most, panels));
  }

  std::size_t count() const { return static_cast<std::size_t>(blocks * groups); }
  // Whole strips, except for the last block's last one.
  std::int64_t first_row(std::int64_t block) const {
    return block == blocks ? rows : rows * block / blocks / kTallestStrip * kTallestStrip;
  }
  std::int64_t first_panel(std::int64_t group) const { return panels * group / groups; }
};

// Memory of an item: packed rows, their scales, one row, a panel, its sums.
struct Parts {
  float *rows = nullptr, *scales = nullptr, *row = nullptr, *panel = nullptr, *sums = nullptr;

  Parts(std::int64_t rows_size, std::int64_t count, std::int64_t row_size, std::int64_t panel_size,
        std::int64_t sums_size) {
    Scratch scratch;
    for (int pass = 0; pass < 2; ++pass) {
      if (pass == 1) scratch.begin();
      rows = scratch.take(rows_size);
      scales = scratch.take(count);
      row = scratch.take(row_size);
      panel = scratch.take(panel_size);
      sums = scratch.take(sums_size);
    }
  }
};

// Floats of the sums that a panel's product needs.
template <int kLanes>
constexpr std::int64_t sums_size(std::int64_t count, std::int64_t depth) {
  return (depth <= kDepth ? kStripRows<kLanes> : count) * kPanelWidth<kLanes>;
}

template <class Product, int kLanes>
MEDLSAM_INLINE void linear_item(const LinearInput& input, const PackedWeights& weights,
                                const LinearOutput& output, const Items& items, std::int64_t item) {
  constexpr std::int64_t kWidth = kPanelWidth<kLanes>;
  const std::int64_t block = item / items.groups, group = item % items.groups;
  const std::int64_t first = items.first_row(block), count = items.first_row(block + 1) - first;
  const std::int64_t depth = divided_up(weights.in(), Product::kPerWord);
  const Parts parts(packed_rows_size(count, depth), count, weights.in(), 0, sums_size<kLanes>(count, depth));
  pack_rows<Product, kLanes>(input, weights.in(), first, count, parts.rows, parts.row, parts.scales);
  for (std::int64_t panel = items.first_panel(group); panel < items.first_panel(group + 1); ++panel) {
    const std::int64_t column = panel * kWidth, columns = std::min(kWidth, weights.out() - column);
    multiply_panel_by_strips<Product, kLanes>(
        count, parts.rows, weights.panels() + panel * depth * kWidth, depth, columns, parts.sums,
        Store<Product, kLanes>{output, first, column, columns, parts.scales, weights.scales()});
  }
}

template <class Product, int kLanes>
MEDLSAM_INLINE void transposed_item(std::int64_t depth, const MatrixBatch& a, const MatrixBatch& b,
                                    float* out, const Items& items, std::int64_t item) {
  constexpr std::int64_t kWidth = kPanelWidth<kLanes>;
  const std::int64_t each = items.blocks * items.groups, n = item / each;
  const std::int64_t block = item % each / items.groups, group = item % items.groups;
  const std::int64_t first = items.first_row(block), count = items.first_row(block + 1) - first;
  const Parts parts(packed_rows_size(count, depth), 0, 0, depth * kWidth, sums_size<kLanes>(count, depth));
  const LinearInput input = {.data = a.data + n * a.step, .rows = a.rows, .stride = a.stride};
  const LinearOutput output = {.data = out + n * a.rows * b.rows, .stride = b.rows};
  pack_rows<Product, kLanes>(input, depth, first, count, parts.rows, nullptr, nullptr);
  for (std::int64_t panel = items.first_panel(group); panel < items.first_panel(group + 1); ++panel) {
    const std::int64_t column = panel * kWidth, columns = std::min(kWidth, b.rows - column);
    pack_panel<Product, kLanes>(b.data + n * b.step + column * b.stride, columns, depth, b.stride,
                                parts.panel);
    multiply_panel_by_strips<Product, kLanes>(count, parts.rows, parts.panel, depth, columns, parts.sums,
                                              Store<Product, kLanes>{output, first, column, columns});
  }
}

}  // namespace

void linear(const Task& task, const LinearInput& input, const PackedWeights& weights,
            const LinearOutput& output) {
  const Precision precision = weights.precision();
  const Items items(input.rows, weights.out(), divided_up(weights.in(), per_word(precision)), panel_width(),
                    task.threads);
  parallel_for(task, items.count(), [&](std::size_t item, std::size_t) {
    run_simd([&](auto lanes) __attribute__((always_inline)) {
      const auto index = static_cast<std::int64_t>(item);
#if defined(MEDLSAM_WIDE_SIMD)
      if constexpr (lanes == 16) {
        if (precision == Precision::kBfloat16)
          return linear_item<Bfloat16Product, lanes>(input, weights, output, items, index);
        if (precision == Precision::kIntegers)
          return linear_item<IntegerProduct, lanes>(input, weights, output, items, index);
      }
#endif
      linear_item<FloatProduct, lanes>(input, weights, output, items, index);
    });
  });
}

void multiply_transposed(const Task& task, std::int64_t batch, std::int64_t depth, const MatrixBatch& a,
                         const MatrixBatch& b, float* out) {
  const auto sharing = static_cast<unsigned>(divided_up(task.threads, std::max<std::int64_t>(1, batch)));
  const Items items(a.rows, b.rows, depth, panel_width(), sharing);
  parallel_for(task, static_cast<std::size_t>(batch) * items.count(), [&](std::size_t item, std::size_t) {
    run_simd([&](auto lanes) __attribute__((always_inline)) {
      transposed_item<FloatProduct, lanes>(depth, a, b, out, items, static_cast<std::int64_t>(item));
    });
  });
}

}  // namespace medlsam
