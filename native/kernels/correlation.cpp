// Two channels c, c+1 make one complex signal f = f₁ + i·f₂, and the same for the kernel: then
// Re(f ⋆ k*) = f₁ ⋆ k₁ + f₂ ⋆ k₂, and real transforms need no unpacking. Slices are transformed along y and
// x; along z, the few slices of a kernel are multiplied directly. That takes about as many operations as
// transforms would, but multiplications and additions in one instruction, on values in registers, and any
// number of slices. A batch of channel pairs goes through two phases:
//   1. spectra of the slices of features and kernels;
//   2. for each group of frequencies, and each kernel: the products, summed over z and the pairs of the
//   batch, are added
//      to the group's sums. A batch's spectra fit a last-level cache, a group's the second level.
// A group's sums are touched by one thread in channel order. After the last batch they are transformed back.
#include "kernels/correlation.hpp"

#include <algorithm>

#include "base/parallel.hpp"
#include "kernels/spectra.hpp"

namespace medlsam {
namespace {

using spectra::AddProducts;
using spectra::InvertSlice;
using spectra::kGroup;
using spectra::kRun;
using spectra::kStride;
using spectra::Layout;
using spectra::place;
using spectra::TransformSlice;

// Floats of a batch's spectra of features (4 MB, or a pair). Larger batches do not fit a last-level cache
// that is shared with others.
constexpr std::size_t kBatchFloats = std::size_t{1} << 20;
constexpr int kSlicesAtOnce = 8;
constexpr int kLine = 16;  // of the cache, in floats

// A rectangle of a channel's slice, and where in a tile it comes to lie.
struct Rectangle {
  const float* values;
  const float* weights;  // null: none
  int stride, rows, columns;
  int row, column;          // of the tile
  std::ptrdiff_t next = 0;  // from here to what is read next, which is fetched meanwhile
};

// A tile of the rectangle's values times their weights, and zeros around.
MEDLSAM_INLINE void fill_tile(const Rectangle& from, float* tile, int rows, int columns) {
  for (int y = 0; y < rows; ++y, tile += columns) {
    if (y < from.row || y >= from.row + from.rows) {
      std::fill_n(tile, columns, 0.F);
      continue;
    }
    std::fill_n(tile, from.column, 0.F);
    std::fill(tile + from.column + from.columns, tile + columns, 0.F);
    const std::ptrdiff_t at = std::ptrdiff_t{y - from.row} * from.stride;
    const float* values = from.values + at;
    float* to = tile + from.column;
    for (int x = 0; x < from.columns; x += kLine) __builtin_prefetch(values + from.next + x);
    if (from.weights != nullptr) {
      const float* weights = from.weights + at;
      for (int x = 0; x < from.columns; ++x) to[x] = values[x] * weights[x];
    } else {
      for (int x = 0; x < from.columns; ++x) to[x] = values[x];
    }
  }
}

template <int P, int R>
class Correlator {
 public:
  Correlator(const CorrelationInput& input, CorrelationScratch& scratch, const Task& task)
      : input_(input), task_(task), scratch_(scratch) {
    slabs_ = scratch.slabs.at_least(batch_ * slab_);
    kernels_ = scratch.kernels.at_least(kernel_count_ * batch_ * kernel_);
    sums_ = scratch.sums.at_least(kernel_count_ * sum_);
    scratch.workers.resize(std::max<std::size_t>(scratch.workers.size(), std::max(1U, task.threads)));
  }

  std::vector<Correlation> run() {
    for (int begin = 0; begin < pairs_; begin += batch_) {
      const int count = std::min(batch_, pairs_ - begin);
      const int slices = count * parts_, kernels = count * static_cast<int>(kernel_count_);
      parallel_for(task_, slices + kernels, [&](std::size_t item, std::size_t worker) {
        const int i = static_cast<int>(item);
        float* tile = scratch_.workers[worker].at_least(L::kTile);
        if (i < slices) return transform_features(begin, i / parts_, i % parts_, tile);
        transform_kernel(begin, (i - slices) % count, (i - slices) / count, tile);
      });
      parallel_for(task_, L::kGroups, [&](std::size_t group, std::size_t) {
        for (std::size_t kernel = 0; kernel < kernel_count_; ++kernel)
          add_products(begin, count, static_cast<int>(group), kernel);
      });
    }
    return invert();
  }

 private:
  using L = Layout<P, R>;
  static constexpr std::size_t kHalfTile = L::kTile / 2;

  // Voxels of features along an axis that the positions need.
  int reach(int axis) const { return input_.positions.count[axis] + input_.size - 1; }

  // Some slices of the spectra of a pair's features. Slices outside the features are zero, and so are those
  // that no position needs.
  void transform_features(int begin, int pair_of_batch, int part, float* tile) {
    float* spectra = slabs_ + pair_of_batch * slab_;
    const int last = std::min(slices_, (part + 1) * kSlicesAtOnce);
    for (int slice = part * kSlicesAtOnce; slice < last; ++slice) {
      const int z = input_.positions.first[0] + slice;
      if (z >= 0 && z < input_.edge && slice < reach(0)) {
        for (int c = 0; c < 2; ++c) fill_features(2 * (begin + pair_of_batch) + c, z, tile + c * kHalfTile);
        run_simd(TransformSlice<P, R>{tile, reach(2), spectra, slices_, slice});
      } else {
        for (int group = 0; group < L::kGroups; ++group)
          std::fill_n(spectra + place(slices_, slice, group * kGroup), kStride, 0.F);
      }
    }
  }

  // The part of a slice that the positions need. A channel without a partner is paired with itself and a
  // kernel of zeros.
  void fill_features(int channel, int z, float* tile) const {
    const std::ptrdiff_t plane = std::ptrdiff_t{input_.edge} * input_.edge;
    const auto [z0, y0, x0] = input_.positions.first;
    const int y = std::clamp(y0, 0, input_.edge), x = std::clamp(x0, 0, input_.edge);
    const std::ptrdiff_t at = z * plane + y * input_.edge + x;
    Rectangle from;
    from.values = input_.features + std::min(channel, input_.channels - 1) * plane * input_.edge + at;
    from.weights = input_.weights + at;
    from.stride = input_.edge;
    from.rows = std::clamp(y0 + reach(1), y, input_.edge) - y;
    from.columns = std::clamp(x0 + reach(2), x, input_.edge) - x;
    from.row = y - y0;
    from.column = x - x0;
    from.next = plane;
    run_simd<fill_tile>(from, tile, L::kRows, L::kColumns);
  }

  void transform_kernel(int begin, int pair_of_batch, std::size_t index, float* tile) {
    const int size = input_.size, plane = size * size;
    float* spectra = kernels_ + (index * batch_ + pair_of_batch) * kernel_;
    for (int z = 0; z < taps_; ++z) {
      for (int c = 0; c < 2; ++c) {
        const int channel = 2 * (begin + pair_of_batch) + c;
        const int rows = z < size && channel < input_.channels ? size : 0;
        const Rectangle from{
            input_.kernels[index] + (channel * size + z) * plane, nullptr, size, rows, size, 0, 0};
        run_simd<fill_tile>(from, tile + c * kHalfTile, L::kRows, L::kColumns);
      }
      run_simd(TransformSlice<P, R>{tile, size, spectra, taps_, z});
    }
  }

  void add_products(int begin, int count, int group, std::size_t index) {
    if (taps_ == 2) return add_products<2>(begin, count, group, index);
    if (taps_ == 4) return add_products<4>(begin, count, group, index);
    add_products<8>(begin, count, group, index);
  }

  template <int kTaps>
  void add_products(int begin, int count, int group, std::size_t index) {
    const int frequency = group * kGroup;
    AddProducts<kTaps> products;
    products.slab = slabs_ + place(slices_, 0, frequency);
    products.kernel = kernels_ + index * batch_ * kernel_ + place(taps_, 0, frequency);
    products.slab_stride = static_cast<std::ptrdiff_t>(slab_);
    products.kernel_stride = static_cast<std::ptrdiff_t>(kernel_);
    products.pairs = count;
    products.slices = sum_slices_;
    products.begin = begin == 0;
    products.frequencies = std::min(kGroup, L::kSpectrum - frequency);
    products.sums = sums_ + index * sum_ + place(sum_slices_, 0, frequency);
    run_simd(products);
  }

  std::vector<Correlation> invert() {
    const std::size_t outputs = input_.positions.count[0], plane = std::size_t{L::kLength} * L::kLength;
    float* result = scratch_.result.at_least(kernel_count_ * outputs * plane);
    parallel_for(task_, kernel_count_ * outputs, [&](std::size_t item, std::size_t worker) {
      float* tile = scratch_.workers[worker].at_least(L::kTile);
      run_simd(InvertSlice<P, R>{sums_ + item / outputs * sum_, sum_slices_, static_cast<int>(item % outputs),
                                 tile, result + item * plane});
    });
    std::vector<Correlation> correlations;
    for (std::size_t i = 0; i < kernel_count_; ++i)
      correlations.push_back({result + i * outputs * plane, L::kLength});
    return correlations;
  }

  static constexpr std::size_t of_slices(int slices) { return std::size_t{L::kGroups} * slices * kStride; }

  const CorrelationInput& input_;
  const Task& task_;
  CorrelationScratch& scratch_;
  const std::size_t kernel_count_ = input_.kernels.size();
  const int pairs_ = (input_.channels + 1) / 2;
  const int taps_ = input_.size <= 2 ? 2 : input_.size <= 4 ? 4 : 8;  // slices of a kernel, with zeros behind
  const int sum_slices_ = (input_.positions.count[0] + kRun - 1) / kRun * kRun;
  const int slices_ = sum_slices_ + taps_ - 1;  // of features
  const int parts_ = (slices_ + kSlicesAtOnce - 1) / kSlicesAtOnce;
  const std::size_t slab_ = of_slices(slices_), kernel_ = of_slices(taps_), sum_ = of_slices(sum_slices_);
  const int batch_ = std::min<int>(pairs_, std::max<int>(1, static_cast<int>(kBatchFloats / slab_)));
  float *slabs_, *kernels_, *sums_;
};

}  // namespace

std::vector<Correlation> correlate(const CorrelationInput& input, CorrelationScratch& scratch,
                                   const Task& task) {
  const int reach = std::max(input.positions.count[1], input.positions.count[2]) + input.size - 1;
  if (reach <= 18) return Correlator<9, 2>(input, scratch, task).run();
  if (reach <= 28) return Correlator<7, 4>(input, scratch, task).run();
  if (reach <= 36) return Correlator<9, 4>(input, scratch, task).run();
  if (reach <= 56) return Correlator<7, 8>(input, scratch, task).run();
  return Correlator<9, 8>(input, scratch, task).run();
}

}  // namespace medlsam
