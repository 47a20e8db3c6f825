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
using spectra::Planes;
using spectra::TransformSlice;

// Floats of a batch's spectra of features (4 MB, or a pair). Larger batches do not fit a last-level cache
// that is shared with others.
constexpr std::size_t kBatchFloats = std::size_t{1} << 20;
constexpr int kSlicesAtOnce = 8;
constexpr std::array<float, std::size_t{kLargestKernel} * kLargestKernel> kNoKernel{};  // a slice of it

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
        run_simd(TransformSlice<P, R>{planes(2 * (begin + pair_of_batch), z), tile, spectra, slices_, slice});
      } else {
        for (int group = 0; group < L::kGroups; ++group)
          std::fill_n(spectra + place(slices_, slice, group * kGroup), kStride, 0.F);
      }
    }
  }

  // The part of slice z of two channels that the positions need. A channel without a partner is paired with
  // itself and a kernel of zeros.
  Planes planes(int channel, int z) const {
    const std::ptrdiff_t plane = std::ptrdiff_t{input_.edge} * input_.edge;
    const auto [z0, y0, x0] = input_.positions.first;
    const int y = std::clamp(y0, 0, input_.edge), x = std::clamp(x0, 0, input_.edge);
    const std::ptrdiff_t at = z * plane + y * input_.edge + x;
    const auto of = [&](int c) {
      return input_.features + std::min(c, input_.channels - 1) * plane * input_.edge + at;
    };
    return {of(channel),
            of(channel + 1),
            input_.weights + at,
            input_.edge,
            std::clamp(y0 + reach(1), y, input_.edge) - y,
            std::clamp(x0 + reach(2), x, input_.edge) - x,
            plane};
  }

  void transform_kernel(int begin, int pair_of_batch, std::size_t index, float* tile) {
    const int size = input_.size, plane = size * size, channel = 2 * (begin + pair_of_batch);
    float* spectra = kernels_ + (index * batch_ + pair_of_batch) * kernel_;
    for (int z = 0; z < taps_; ++z) {
      const auto of = [&](int c) {
        const bool there = z < size && c < input_.channels;
        return there ? input_.kernels[index] + (std::ptrdiff_t{c} * size + z) * plane : kNoKernel.data();
      };
      const Planes from{of(channel), of(channel + 1), nullptr, size, size, size, 0};
      run_simd(TransformSlice<P, R>{from, tile, spectra, taps_, z});
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
    const std::size_t outputs = input_.positions.count[0], plane = std::size_t{L::kLength} * L::kRowStride;
    const auto before = [&](int axis) { return std::max(0, -input_.positions.first[axis]); };
    float* result = scratch_.result.at_least(kernel_count_ * outputs * plane);
    parallel_for(task_, kernel_count_ * outputs, [&](std::size_t item, std::size_t worker) {
      float* tile = scratch_.workers[worker].at_least(L::kTile);
      run_simd(InvertSlice<P, R>{sums_ + item / outputs * sum_, sum_slices_, static_cast<int>(item % outputs),
                                 before(1), before(2), tile, result + item * plane});
    });
    std::vector<Correlation> correlations;
    for (std::size_t i = 0; i < kernel_count_; ++i)
      correlations.push_back({result + i * outputs * plane, L::kLength, L::kRowStride});
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
