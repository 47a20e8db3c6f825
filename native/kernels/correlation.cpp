// Two channels c, c+1 make one complex signal f = f₁ + i·f₂, and the same for the kernel: then
// Re(f ⋆ k*) = f₁ ⋆ k₁ + f₂ ⋆ k₂, and real transforms need no unpacking. Slices are transformed along y and
// x; along z, the few slices of a kernel are multiplied directly. That takes about as many operations as
// transforms would, but multiplications and additions in one instruction, on values in registers, and any
// number of slices. The pairs are dealt to parts, whatever the number of threads. A thread works on a part
// alone, pair by pair:
//   1. spectra of the slices of features and kernels;
//   2. for each group of frequencies, and each kernel: the products, summed over z, are added to the part's
//   sums. A group's spectra and sums fit the second-level cache.
// Spectra never go from one thread to another: between processors that share no cache, that takes longer than
// all else. At the end the parts' sums are added, part after part, and transformed back.
#include "kernels/correlation.hpp"

#include <algorithm>
#include <array>

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

static_assert(spectra::kMostBefore == kLargestKernel / 2);
// Parts of the pairs, each with sums of its own (3 MB at 64³ for each kernel): so many threads have work.
constexpr int kParts = 4;
constexpr std::array<float, std::size_t{kLargestKernel} * kLargestKernel> kNoKernel{};  // a slice of it

MEDLSAM_INLINE void add(const float* from, std::ptrdiff_t count, float* sums) {
  for (std::ptrdiff_t i = 0; i < count; ++i) sums[i] += from[i];
}

template <int P, int R>
class Correlator {
 public:
  Correlator(const CorrelationInput& input, CorrelationScratch& scratch, const Task& task)
      : input_(input), task_(task), scratch_(scratch) {
    sums_ = scratch.sums.at_least(parts_ * kernel_count_ * sum_);
    scratch.workers.resize(std::max<std::size_t>(scratch.workers.size(), std::max(1U, task.threads)));
  }

  std::vector<Correlation> run() {
    parallel_for(task_, parts_, [&](std::size_t part, std::size_t worker) {
      correlate_part(static_cast<int>(part), scratch_.workers[worker]);
    });
    parallel_for(task_, kernel_count_ * L::kGroups, [&](std::size_t item, std::size_t) {
      add_parts(item / L::kGroups, static_cast<int>(item % L::kGroups));
    });
    return invert();
  }

 private:
  using L = Layout<P, R>;

  // Voxels of features along an axis that the positions need.
  int reach(int axis) const { return input_.positions.count[axis] + input_.size - 1; }

  void correlate_part(int part, AlignedFloats& worker) {
    const int first = part * pairs_ / parts_, last = (part + 1) * pairs_ / parts_;
    float* const slab = worker.at_least(slab_ + kernel_count_ * kernel_ + L::kTile);
    float *const kernels = slab + slab_, *const tile = kernels + kernel_count_ * kernel_;
    for (int pair = first; pair < last; ++pair) {
      task_.check();
      transform_features(pair, slab, tile);
      for (std::size_t i = 0; i < kernel_count_; ++i) transform_kernel(pair, i, kernels + i * kernel_, tile);
      for (int group = 0; group < L::kGroups; ++group) {
        for (std::size_t i = 0; i < kernel_count_; ++i)
          add_products(slab, kernels + i * kernel_, group, pair == first, sums_of(part, i));
      }
    }
  }

  // The spectra of a pair's features. Slices outside the features are zero, and so are those that no position
  // needs.
  void transform_features(int pair, float* spectra, float* tile) {
    for (int slice = 0; slice < slices_; ++slice) {
      const int z = input_.positions.first[0] + slice;
      if (z >= 0 && z < input_.edge && slice < reach(0)) {
        run_simd(TransformSlice<P, R>{planes(2 * pair, z), tile, spectra, slices_, slice});
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

  void transform_kernel(int pair, std::size_t index, float* spectra, float* tile) {
    const int size = input_.size, plane = size * size, channel = 2 * pair;
    for (int z = 0; z < taps_; ++z) {
      const auto of = [&](int c) {
        const bool there = z < size && c < input_.channels;
        return there ? input_.kernels[index] + (std::ptrdiff_t{c} * size + z) * plane : kNoKernel.data();
      };
      const Planes from{of(channel), of(channel + 1), nullptr, size, size, size, 0};
      run_simd(TransformSlice<P, R>{from, tile, spectra, taps_, z});
    }
  }

  void add_products(const float* slab, const float* kernel, int group, bool begin, float* sums) {
    if (taps_ == 2) return add_products<2>(slab, kernel, group, begin, sums);
    if (taps_ == 4) return add_products<4>(slab, kernel, group, begin, sums);
    add_products<8>(slab, kernel, group, begin, sums);
  }

  template <int kTaps>
  void add_products(const float* slab, const float* kernel, int group, bool begin, float* sums) {
    const int frequency = group * kGroup;
    AddProducts<kTaps> products;
    products.slab = slab + place(slices_, 0, frequency);
    products.kernel = kernel + place(taps_, 0, frequency);
    products.slices = sum_slices_;
    products.begin = begin;
    products.frequencies = std::min(kGroup, L::kSpectrum - frequency);
    products.sums = sums + place(sum_slices_, 0, frequency);
    run_simd(products);
  }

  // The sums of all parts of one group, into those of the first part.
  void add_parts(std::size_t kernel, int group) {
    const std::ptrdiff_t at = place(sum_slices_, 0, group * kGroup),
                         count = std::ptrdiff_t{sum_slices_} * kStride;
    for (int part = 1; part < parts_; ++part)
      run_simd<add>(sums_of(part, kernel) + at, count, sums_of(0, kernel) + at);
  }

  float* sums_of(int part, std::size_t kernel) const {
    return sums_ + (part * kernel_count_ + kernel) * sum_;
  }

  std::vector<Correlation> invert() {
    const std::size_t outputs = input_.positions.count[0], plane = std::size_t{L::kLength} * L::kRowStride;
    const auto before = [&](int axis) { return std::max(0, -input_.positions.first[axis]); };
    float* result = scratch_.result.at_least(kernel_count_ * outputs * plane);
    parallel_for(task_, kernel_count_ * outputs, [&](std::size_t item, std::size_t worker) {
      float* tile = scratch_.workers[worker].at_least(L::kTile);
      run_simd(InvertSlice<P, R>{sums_of(0, item / outputs), sum_slices_, static_cast<int>(item % outputs),
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
  const int parts_ = std::min(kParts, pairs_);
  const int taps_ = input_.size <= 2 ? 2 : input_.size <= 4 ? 4 : 8;  // slices of a kernel, with zeros behind
  const int sum_slices_ = (input_.positions.count[0] + kRun - 1) / kRun * kRun;
  const int slices_ = sum_slices_ + taps_ - 1;  // of features
  const std::size_t slab_ = of_slices(slices_), kernel_ = of_slices(taps_), sum_ = of_slices(sum_slices_);
  float* sums_;
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
