#include "kernels/cuda/slices.hpp"

#include <algorithm>

#include "kernels/cuda/axis_operator_body.hpp"
#include "kernels/cuda/collectives.hpp"

namespace medlsam::cuda {
namespace {

constexpr std::int64_t kSlicesAtOnce = 16;

MEDLSAM_HD std::uint8_t gray(double hu, const GrayWindow& window) {
  const double range = window.high - window.low;
  if (!(range > 0) || (hu == 0 && window.zero_is_black != 0)) return 0;
  const double below = hu < window.clip_high ? hu : window.clip_high;
  const double clipped = hu > window.clip_low ? below : window.clip_low;  // NaN: the lowest
  const double level = (clipped - window.low) / range * 255;
  return level > 0 ? static_cast<std::uint8_t>(level < 255.0 ? level : 255.0) : std::uint8_t{0};
}

struct WidenGray {
  MEDLSAM_KERNEL GrayRange operator()(const GrayRange& a, const GrayRange& b) const {
    return {a.least < b.least ? a.least : b.least, a.greatest > b.greatest ? a.greatest : b.greatest};
  }
};

// A block for each row of each slice.
struct WindowSlices {
  static constexpr int kThreads = 128;
  SliceView view;
  GrayWindow window;
  const std::int64_t* slices;
  std::uint8_t* out;  // (slices, height, width)
  GrayRange* rows;    // (slices, height)

  template <class Block>
  MEDLSAM_KERNEL void operator()(Block& block) const {
    const std::int64_t row = block.y() * view.height + block.x();
    const std::int64_t from = slices[block.y()] * view.step_slice + block.x() * view.step_row;
    typename Block::template PerThread<GrayRange> ranges(block);
    block.each([&](int thread) {
      GrayRange range{255, 0};
      for (std::int64_t x = thread; x < view.width; x += kThreads) {
        const double stored = view.volume.at(from + x * view.step_column);
        const std::uint8_t level = gray(stored * view.volume.slope + view.volume.intercept, window);
        out[row * view.width + x] = level;
        range = WidenGray{}(range, {level, level});
      }
      ranges[thread] = range;
    });
    GrayRange* shared = block.template shared<GrayRange>();
    reduce(block, ranges, shared, WidenGray{});
    block.each_without_barrier([&](int thread) {
      if (thread == 0) rows[row] = shared[0];
    });
  }
};

// A block for each slice.
struct RangesOfSlices {
  static constexpr int kThreads = 128;
  std::int64_t height;
  const GrayRange* rows;
  GrayRange* ranges;

  template <class Block>
  MEDLSAM_KERNEL void operator()(Block& block) const {
    typename Block::template PerThread<GrayRange> found(block);
    block.each([&](int thread) {
      GrayRange range{255, 0};
      for (std::int64_t y = thread; y < height; y += kThreads)
        range = WidenGray{}(range, rows[block.x() * height + y]);
      found[thread] = range;
    });
    GrayRange* shared = block.template shared<GrayRange>();
    reduce(block, found, shared, WidenGray{});
    block.each_without_barrier([&](int thread) {
      if (thread == 0) ranges[block.x()] = shared[0];
    });
  }
};

// Clips to the slice's range and cuts fractions off.
template <class T>
struct GraySink {
  const GrayRange* ranges;
  float rounding;
  T* out;

  MEDLSAM_KERNEL void operator()(std::int64_t i, std::int64_t slice, float value) const {
    const auto least = static_cast<float>(ranges[slice].least);
    const auto greatest = static_cast<float>(ranges[slice].greatest);
    const float rounded = value + rounding;
    const float raised = rounded < least ? least : rounded;
    const float clipped = raised > greatest ? greatest : raised;
    out[i] = from_float<T>(static_cast<float>(static_cast<std::int32_t>(clipped)));
  }
};

}  // namespace

void prepare_slices(Stream stream, const SliceView& view, const GrayWindow& window, const SliceResize& resize,
                    const std::int64_t* slices, std::int64_t count, Element type, void* out,
                    SliceMemory& memory) {
  const std::int64_t edge = resize.edge, most = std::min(count, kSlicesAtOnce);
  std::uint8_t* grays = memory.grays.at_least(most * view.pixels());
  float* wide = memory.wide.at_least(most * view.height * edge);
  GrayRange* rows = memory.rows.at_least(most * view.height);
  GrayRange* ranges = memory.ranges.at_least(most);
  for (std::int64_t begin = 0; begin < count; begin += kSlicesAtOnce) {
    const std::int64_t some = std::min(kSlicesAtOnce, count - begin);
    const WindowSlices windowing{view, window, slices + begin, grays, rows};
    launch(stream, {view.height, some, 1, windowing.kThreads * sizeof(GrayRange)}, windowing);
    const RangesOfSlices finish{view.height, rows, ranges};
    launch(stream, {some, 1, 1, finish.kThreads * sizeof(GrayRange)}, finish);
    launch_operator(stream, resize.along_x, {some * view.height, view.width, 1},
                    PlainSource<std::uint8_t>{grays}, PlainSink{wide});
    with_floating(type, [&]<class T>(T) {
      launch_operator(stream, resize.along_y, {some, view.height, edge}, PlainSource<float>{wide},
                      GraySink<T>{ranges, resize.rounding, static_cast<T*>(out) + begin * edge * edge});
    });
  }
}

}  // namespace medlsam::cuda
