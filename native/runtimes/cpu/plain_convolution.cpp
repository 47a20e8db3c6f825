#include "base/simd.hpp"
#include "runtimes/cpu/loops.hpp"
#include "runtimes/cpu/panel_product.hpp"
#include "runtimes/cpu/plain_operators.hpp"

namespace medlsam::cpu {
namespace {

// A convolution as a matrix product: the columns are the places of the result, what each of them sees is
// copied one below the other. Two axes are three of which the first has extent 1.
struct Convolution {
  std::int64_t batch, channels, out_channels;
  std::int64_t z, y, x;                 // of the image
  std::int64_t out_z, out_y, out_x;     // of the result
  std::int64_t taps_z, taps_y, taps_x;  // of the kernel
  std::int64_t pad_z, pad_y, pad_x;

  Convolution(const Shape& image, const Shape& kernel, const Shape& result,
              const std::vector<std::int64_t>& padding)
      : batch(image[0]), channels(image[1]), out_channels(kernel[0]) {
    const auto three = [](const std::vector<std::int64_t>& axes, std::size_t first, std::int64_t lacking,
                          std::int64_t& of_z, std::int64_t& of_y, std::int64_t& of_x) {
      of_z = axes.size() - first == 3 ? axes[first] : lacking;
      of_y = axes[axes.size() - 2];
      of_x = axes[axes.size() - 1];
    };
    three(image, 2, 1, z, y, x);
    three(kernel, 2, 1, taps_z, taps_y, taps_x);
    three(result, 2, 1, out_z, out_y, out_x);
    three(padding, 0, 0, pad_z, pad_y, pad_x);
  }

  std::int64_t depth() const { return channels * taps_z * taps_y * taps_x; }
  std::int64_t places() const { return out_z * out_y * out_x; }
  std::int64_t panels() const { return (places() + kPanel - 1) / kPanel; }

  // What places [first, first + count) of one image see: (depth, kPanel).
  void gather(const float* image, std::int64_t first, std::int64_t count, float* panel) const {
    for (std::int64_t begin = 0; begin < kPanel;) {
      const std::int64_t place = first + begin, left = place % out_x;
      const std::int64_t end = begin < count ? std::min(count, begin + out_x - left) : kPanel;
      const std::int64_t below = place / out_x % out_y, deep = place / (out_x * out_y);
      float* to = panel + begin;
      for (std::int64_t c = 0; c < channels; ++c) {
        for (std::int64_t kz = 0; kz < taps_z; ++kz) {
          for (std::int64_t ky = 0; ky < taps_y; ++ky) {
            const std::int64_t row_z = deep + kz - pad_z, row_y = below + ky - pad_y;
            const bool inside = begin < count && row_z >= 0 && row_z < z && row_y >= 0 && row_y < y;
            const float* row = inside ? image + ((c * z + row_z) * y + row_y) * x : nullptr;
            for (std::int64_t kx = 0; kx < taps_x; ++kx, to += kPanel)
              copy_row(row, left + kx - pad_x, end - begin, to);
          }
        }
      }
      begin = end;
    }
  }

 private:
  // Values [begin, begin + count) of a row of the image, zeros outside it.
  void copy_row(const float* row, std::int64_t begin, std::int64_t count, float* to) const {
    if (row == nullptr) {
      std::fill(to, to + count, 0.0f);
      return;
    }
    const std::int64_t from = std::clamp<std::int64_t>(-begin, 0, count);
    const std::int64_t until = std::clamp<std::int64_t>(x - begin, from, count);
    std::fill(to, to + from, 0.0f);
    std::copy(row + begin + from, row + begin + until, to + from);
    std::fill(to + until, to + count, 0.0f);
  }
};

}  // namespace

Step plan_convolution(const Node& node, const OperatorShapes& shapes, unsigned threads) {
  const Convolution convolution(shapes.inputs[0], shapes.inputs[1], shapes.results[0],
                                node.attributes.list("padding"));
  const std::int64_t panel = convolution.depth() * kPanel;
  const bool has_bias = node.inputs.size() > 2;
  Step step;
  step.scratch = static_cast<std::size_t>(threads * panel) * sizeof(float);
  step.run = [=](const Operands& operands, const Task& task) {
    const std::int64_t panels = convolution.panels(), places = convolution.places();
    const std::int64_t image = convolution.channels * convolution.z * convolution.y * convolution.x;
    parallel_for(
        task, static_cast<std::size_t>(convolution.batch * panels),
        [&](std::size_t index, std::size_t worker) {
          const auto item = static_cast<std::int64_t>(index);
          const std::int64_t n = item / panels, first = item % panels * kPanel;
          const std::int64_t count = std::min(kPanel, places - first);
          float* columns =
              reinterpret_cast<float*>(operands.scratch) + static_cast<std::int64_t>(worker) * panel;
          convolution.gather(operands.input(0) + n * image, first, count, columns);
          run_simd(PanelProduct{.a = operands.input(1),
                                .rows = convolution.out_channels,
                                .depth = convolution.depth(),
                                .b = columns,
                                .out = operands.result() + n * convolution.out_channels * places + first,
                                .stride = places,
                                .columns = count,
                                .row_bias = has_bias ? operands.input(2) : nullptr});
        });
  };
  return step;
}

}  // namespace medlsam::cpu
