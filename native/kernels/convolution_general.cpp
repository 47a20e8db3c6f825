#include "kernels/convolution_general.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "kernels/gemm_block.hpp"
#include "kernels/gemm_pack.hpp"
#include "kernels/scratch.hpp"

namespace medlsam {
namespace {

using namespace gemm;

// Panels of places and output channels of an item: with the weights of kDepth values and the sums, three
// quarters of the second cache (1 MB).
constexpr std::int64_t kPanels = 4, kChannels = 252;

struct Convolution {
  std::int64_t batch;
  const float* image;
  Extents extents, kernel, padding, result;
  const ConvolutionWeights& weights;
  const float* bias;
  float* out;

  std::int64_t places() const { return result[0] * result[1] * result[2]; }
  std::int64_t image_size() const { return weights.channels() * extents[0] * extents[1] * extents[2]; }
};

// A run of places of one panel that are neighbors along x.
struct Run {
  std::int64_t z, y, x, begin, count;
};

// Columns of the inputs that the places of one panel see.
template <int kLanes>
class Columns {
 public:
  MEDLSAM_INLINE Columns(const Convolution& convolution, const float* image, std::int64_t first,
                         std::int64_t count)
      : convolution_(convolution), image_(image) {
    const Extents& result = convolution.result;
    for (std::int64_t begin = 0; begin < count;) {
      const std::int64_t place = first + begin, x = place % result[2];
      const std::int64_t some = std::min(count - begin, result[2] - x);
      runs_[run_count_++] = {place / (result[1] * result[2]), place / result[2] % result[1], x, begin, some};
      begin += some;
    }
  }

  // Rows [k, k + some) of the panel: k counts channels, and within them taps. Columns beyond the places are
  // left as they are.
  MEDLSAM_INLINE void gather(std::int64_t k, std::int64_t some, float* panel) const {
    const Extents& kernel = convolution_.kernel;
    std::int64_t tap_x = k % kernel[2], tap_y = k / kernel[2] % kernel[1];
    std::int64_t tap_z = k / (kernel[2] * kernel[1]) % kernel[0],
                 channel = k / (kernel[2] * kernel[1] * kernel[0]);
    for (std::int64_t i = 0; i < some; ++i, panel += kPanelWidth<kLanes>) {
      for (int run = 0; run < run_count_; ++run) copy(runs_[run], channel, tap_z, tap_y, tap_x, panel);
      if (++tap_x < kernel[2]) continue;
      tap_x = 0;
      if (++tap_y < kernel[1]) continue;
      tap_y = 0;
      if (++tap_z < kernel[0]) continue;
      tap_z = 0;
      ++channel;
    }
  }

 private:
  MEDLSAM_INLINE void copy(const Run& run, std::int64_t channel, std::int64_t tap_z, std::int64_t tap_y,
                           std::int64_t tap_x, float* panel) const {
    const Extents &extents = convolution_.extents, &padding = convolution_.padding;
    const std::int64_t z = run.z + tap_z - padding[0], y = run.y + tap_y - padding[1],
                       x = run.x + tap_x - padding[2];
    float* const to = panel + run.begin;
    if (z < 0 || z >= extents[0] || y < 0 || y >= extents[1]) return fill(to, 0, run.count);
    const float* const row = image_ + ((channel * extents[0] + z) * extents[1] + y) * extents[2] + x;
    if (x >= 0 && x + run.count <= extents[2] && run.count == kPanelWidth<kLanes>) {
      std::memcpy(to, row, kPanelWidth<kLanes> * sizeof(float));
      return;
    }
    const std::int64_t from = std::clamp<std::int64_t>(-x, 0, run.count);
    const std::int64_t until = std::clamp<std::int64_t>(extents[2] - x, from, run.count);
    fill(to, 0, from);
    for (std::int64_t i = from; i < until; ++i) to[i] = row[i];
    fill(to, until, run.count);
  }

  static MEDLSAM_INLINE void fill(float* to, std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) to[i] = 0.0f;
  }

  const Convolution& convolution_;
  const float* image_;
  Run runs_[kPanelWidth<kLanes>];
  int run_count_ = 0;
};

// Some panels of places and some output channels of one image.
template <int kLanes>
struct Item {
  static constexpr std::int64_t kWidth = kPanelWidth<kLanes>;

  const Convolution& convolution;
  std::int64_t n, first_place, places, first_channel, channels;

  MEDLSAM_INLINE void run() const {
    const std::int64_t panels = divided_up(places, kWidth), depth = convolution.weights.depth();
    Scratch scratch;
    scratch.take(kDepth * kWidth);
    scratch.take(panels * channels * kWidth);
    scratch.begin();
    float* const panel = scratch.take(kDepth * kWidth);
    float* const sums = scratch.take(panels * channels * kWidth);
    const float* const image = convolution.image + n * convolution.image_size();
    for (std::int64_t k = 0; k < depth; k += kDepth) {
      const std::int64_t some = std::min(kDepth, depth - k);
      const float* const rows =
          convolution.weights.rows() + packed_row_offset(convolution.weights.out(), first_channel, k);
      for (std::int64_t i = 0; i < panels; ++i) {
        const std::int64_t width = std::min(kWidth, places - i * kWidth);
        Columns<kLanes>(convolution, image, first_place + i * kWidth, width).gather(k, some, panel);
        multiply_strips<FloatProduct, kLanes>(channels, rows, panel, some, width, k == 0,
                                              sums + i * channels * kWidth, kWidth);
      }
    }
    for (std::int64_t i = 0; i < panels; ++i)
      store(sums + i * channels * kWidth, i * kWidth, std::min(kWidth, places - i * kWidth));
  }

  MEDLSAM_INLINE void store(const float* sums, std::int64_t begin, std::int64_t width) const {
    for (std::int64_t c = 0; c < channels; ++c, sums += kWidth) {
      const std::int64_t channel = first_channel + c;
      const float bias = convolution.bias == nullptr ? 0.0f : convolution.bias[channel];
      float* const to = convolution.out + (n * convolution.weights.out() + channel) * convolution.places() +
                        first_place + begin;
      for (std::int64_t i = 0; i < width; ++i) to[i] = sums[i] + bias;
    }
  }
};

}  // namespace

Extents convolved_extents(const Extents& image, const Extents& kernel, const Extents& padding) {
  Extents result{};
  for (std::size_t axis = 0; axis < 3; ++axis)
    result[axis] = std::max<std::int64_t>(0, image[axis] + 2 * padding[axis] - kernel[axis] + 1);
  return result;
}

ConvolutionWeights::ConvolutionWeights(const float* weight, std::int64_t out, std::int64_t channels,
                                       const Extents& kernel)
    : out_(out), channels_(channels), kernel_(kernel) {
  if (out < 1 || channels < 1 || *std::min_element(kernel.begin(), kernel.end()) < 1)
    throw Error(ErrorCode::kBadArgument, "A convolution without channels or taps is none.");
  rows_ = AlignedFloats(static_cast<std::size_t>(packed_rows_size(out, depth())));
  for (std::int64_t r = 0; r < out; ++r)
    pack_row<FloatProduct>(weight + r * depth(), depth(), out, r, rows_.data());
}

void convolve(const Task& task, std::int64_t batch, const float* image, const Extents& extents,
              const ConvolutionWeights& weights, const Extents& padding, const float* bias, float* out) {
  const Convolution convolution = {batch,   image,
                                   extents, weights.kernel(),
                                   padding, convolved_extents(extents, weights.kernel(), padding),
                                   weights, bias,
                                   out};
  const std::int64_t places = convolution.places();
  const std::int64_t width = kPanels * run_simd([](auto lanes) { return std::int64_t{kPanelWidth<lanes>}; });
  const std::int64_t groups = divided_up(places, width), parts = divided_up(weights.out(), kChannels);
  parallel_for(task, static_cast<std::size_t>(batch * groups * parts), [&](std::size_t index, std::size_t) {
    const auto item = static_cast<std::int64_t>(index);
    const std::int64_t n = item / (groups * parts), group = item / parts % groups, part = item % parts;
    const std::int64_t begin = weights.out() * part / parts, end = weights.out() * (part + 1) / parts;
    const std::int64_t first = group * width, some = std::min(width, places - first);
    run_simd([&](auto lanes) __attribute__((always_inline)) {
      Item<lanes>{convolution, n, first, some, begin, end - begin}.run();
    });
  });
}

}  // namespace medlsam
