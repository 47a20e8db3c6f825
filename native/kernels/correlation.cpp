// Two channels c, c+1 make one complex signal f = f₁ + i·f₂, and the same for the kernel: then
// Re(f ⋆ k*) = f₁ ⋆ k₁ + f₂ ⋆ k₂, and real transforms need no unpacking. Lines that hold only zeros are never
// transformed. A batch of channel pairs goes through two phases:
//   1. features along y, one z slice at a time, into a slab (z, ky, x); kernels along z and y;
//   2. for a group of ky: features along z into a tile that fits the second-level cache, then along x, where
//      the spectra meet in registers and their product is added to the group's sum.
// A group's sum is touched by one thread in channel order. After the last batch it is transformed back along
// x and z, and a third phase does y.
#include "kernels/correlation.hpp"

#include <algorithm>

#include "base/parallel.hpp"
#include "kernels/spectra.hpp"

namespace medlsam {
namespace {

using spectra::AddProduct;
using spectra::InvertGroup;
using spectra::InvertSlice;
using spectra::Layout;
using spectra::Phases;
using spectra::TransformKernel;
using spectra::TransformSlice;

// Floats of a batch of channel pairs (2.5 MB: one pair at edge 64). Larger batches do not fit a last-level
// cache that is shared with others, smaller ones are not worth starting threads for.
constexpr std::size_t kBatchFloats = std::size_t{5} << 17;

// out = in · weights for a slice of edge², with zeros up to out_edge². A separate pass, because memory is
// read fastest in order and the transform does not read it so.
MEDLSAM_INLINE void weigh_slice(const float* in, const float* weights, int edge, float* out, int out_edge) {
  if (edge < out_edge) std::fill_n(out, out_edge * out_edge, 0.F);
  for (int y = 0; y < edge; ++y) {
    for (int x = 0; x < edge; ++x) out[y * out_edge + x] = in[y * edge + x] * weights[y * edge + x];
  }
}

template <int R>
void transform_pair_slice(const CorrelationInput& input, int pair, int z, float* slab, float* scratch) {
  constexpr int kEdge = Layout<R>::kEdge;
  float* to = slab + z * Layout<R>::kPlane;
  float *re = scratch, *im = scratch + kEdge * kEdge;
  const std::ptrdiff_t plane = std::ptrdiff_t{input.edge} * input.edge, volume = plane * input.edge;
  if (z < input.edge) {
    const float* first = input.features + 2 * pair * volume + z * plane;
    // A channel without a partner is paired with itself and a kernel of zeros.
    const float* second = 2 * pair + 1 < input.channels ? first + volume : first;
    run_simd<weigh_slice>(first, input.weights + z * plane, input.edge, re, kEdge);
    run_simd<weigh_slice>(second, input.weights + z * plane, input.edge, im, kEdge);
  } else {
    std::fill_n(scratch, 2 * kEdge * kEdge, 0.F);
  }
  run_simd(TransformSlice<R>{re, im, to, to + Layout<R>::kSlab});
}

template <int R>
void transform_pair_kernel(const CorrelationInput& input, int pair, float* out) {
  static const Phases<R> phases;
  const std::ptrdiff_t volume = std::ptrdiff_t{input.size} * input.size * input.size;
  const float* first = input.kernel + 2 * pair * volume;
  const float* second = 2 * pair + 1 < input.channels ? first + volume : nullptr;
  run_simd(TransformKernel<R>{first, second, input.size, phases, out, out + Layout<R>::kKernel});
}

template <int R>
class Correlator {
 public:
  Correlator(const CorrelationInput& input, CorrelationScratch& scratch, const Task& task)
      : input_(input), task_(task), scratch_(scratch) {
    slabs_ = scratch.slabs.reserve(batch_ * 2 * L::kSlab);
    kernels_ = scratch.kernels.reserve(batch_ * 2 * L::kKernel);
    sums_ = scratch.sums.reserve(L::kGroups * 2 * L::kSum);
    scratch.workers.resize(std::max<std::size_t>(scratch.workers.size(), std::max(1U, task.threads)));
  }

  Correlation run() {
    for (int begin = 0; begin < pairs_; begin += batch_) {
      const int count = std::min(batch_, pairs_ - begin);
      parallel_for(task_, count * kParts, [&](std::size_t item, std::size_t worker) {
        transform_part(begin, static_cast<int>(item), worker_scratch(worker));
      });
      parallel_for(task_, L::kGroups, [&](std::size_t group, std::size_t worker) {
        add_products(begin, count, static_cast<int>(group), worker_scratch(worker));
      });
    }
    float* result = scratch_.result.reserve(std::size_t{L::kLength} * L::kLength * L::kLength);
    parallel_for(task_, L::kLength, [&](std::size_t z, std::size_t) {
      run_simd(InvertSlice<R>{sums_, static_cast<int>(z), result + z * L::kLength * L::kLength});
    });
    return {result, L::kLength};
  }

 private:
  using L = Layout<R>;
  static constexpr int kParts = 9;  // of the first phase of a pair: eight of R slices, and the kernel

  float* worker_scratch(std::size_t worker) { return scratch_.workers[worker].reserve(2 * L::kTile); }
  float* slab(int pair_of_batch) { return slabs_ + pair_of_batch * 2 * L::kSlab; }
  float* kernel(int pair_of_batch) { return kernels_ + pair_of_batch * 2 * L::kKernel; }

  void transform_part(int begin, int item, float* scratch) {
    const int pair = item / kParts, part = item % kParts;
    if (part == 8) return transform_pair_kernel<R>(input_, begin + pair, kernel(pair));
    for (int z = part * R; z < (part + 1) * R; ++z) {
      transform_pair_slice<R>(input_, begin + pair, z, slab(pair), scratch);
    }
  }

  void add_products(int begin, int count, int group, float* scratch) {
    float* sum = sums_ + group * 2 * L::kSum;
    if (begin == 0) std::fill_n(sum, 2 * L::kSum, 0.F);
    for (int pair = 0; pair < count; ++pair) {
      run_simd(AddProduct<R>{slab(pair), kernel(pair), L::first_ky(group), scratch, sum});
    }
    if (begin + count == pairs_) run_simd(InvertGroup<R>{scratch, sum});
  }

  const CorrelationInput& input_;
  const Task& task_;
  CorrelationScratch& scratch_;
  const int pairs_ = (input_.channels + 1) / 2;
  const int batch_ = std::min<int>(pairs_, std::max<int>(1, kBatchFloats / (2 * L::kSlab)));
  float *slabs_, *kernels_, *sums_;
};

}  // namespace

Correlation correlate(const CorrelationInput& input, CorrelationScratch& scratch, const Task& task) {
  const auto fits = [&](int radix) { return input.edge <= 8 * radix && input.size <= radix; };
  if (fits(2)) return Correlator<2>(input, scratch, task).run();
  if (fits(4)) return Correlator<4>(input, scratch, task).run();
  return Correlator<8>(input, scratch, task).run();
}

}  // namespace medlsam
