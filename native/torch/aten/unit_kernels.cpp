#include "torch/aten/unit_kernels.hpp"

#include <algorithm>

#include "base/parallel.hpp"
#include "kernels/convolution/activations_gradient.hpp"
#include "kernels/convolution/direct.hpp"
#include "kernels/convolution/weight_gradient.hpp"
#include "kernels/convolution/winograd.hpp"

namespace medlsam::torch {
namespace {

using at::Tensor;
using convolution::BlockedLayout;
using convolution::ConvolutionOutput;
using convolution::PaddedImage;
using convolution::Source;

constexpr std::int64_t kTaps = 27;

// Memory of a kernel, from the allocator that keeps it from step to step.
class Floats {
 public:
  explicit Floats(std::size_t count) : memory_(at::empty({static_cast<std::int64_t>(count)}, at::kFloat)) {}
  float* data() const { return memory_.mutable_data_ptr<float>(); }

 private:
  Tensor memory_;
};

// `weight`: (out, in, 27).
void convolve(std::span<const Source> sources, const float* weight, std::int64_t in,
              const ConvolutionOutput& output, const Task& task) {
  const BlockedLayout& layout = output.layout;
  const int tile = convolution::winograd_tile(layout.images, layout.extents);
  if (tile > 0) {
    const Floats packed(convolution::WinogradWeights::floats(layout.channels, in, tile));
    const auto weights =
        convolution::WinogradWeights::of_a_step(weight, layout.channels, in, tile, packed.data(), task);
    const Floats scratch(convolution::winograd_scratch(weights, layout, task.threads));
    convolve_winograd(sources, weights, output, scratch.data(), task);
    return;
  }
  const convolution::DirectWeights weights(weight, layout.channels, in);
  const Floats memory(PaddedImage::floats(layout.extents, in));
  PaddedImage image(layout.extents, in, memory.data());
  for (std::int64_t i = 0; i < layout.images; ++i) {
    image.fill(sources, i, task);
    convolve_direct(image, weights, output, i, task);
  }
  if (output.pooled != nullptr) max_pool(layout, output.values, output.pooled_layout, output.pooled, task);
}

// The weights of the convolution whose result is the gradient of the inputs: axes of channels changed, taps
// from the last to the first. Sources begin at whole blocks: (padded inputs, out, 27).
Tensor turned_weight(const Tensor& weight, const std::vector<UnitSource>& sources, const Task& task) {
  const std::int64_t out = weight.size(0), in = weight.size(1);
  std::vector<std::int64_t> rows(static_cast<std::size_t>(in));
  std::int64_t row = 0, channel = 0;
  for (const UnitSource& source : sources) {
    const std::int64_t channels = source.blocked.channels;
    for (std::int64_t i = 0; i < channels; ++i) rows[static_cast<std::size_t>(channel++)] = row + i;
    row += source.blocked.layout().padded_channels();
  }
  const Tensor turned =
      row == in ? at::empty({row, out, kTaps}, at::kFloat) : at::zeros({row, out, kTaps}, at::kFloat);
  const float* const from = weight.const_data_ptr<float>();
  float* const to = turned.mutable_data_ptr<float>();
  parallel_for(task, static_cast<std::size_t>(in), [&](std::size_t i, std::size_t) {
    for (std::int64_t o = 0; o < out; ++o) {
      const float* const taps = from + (o * in + static_cast<std::int64_t>(i)) * kTaps;
      std::reverse_copy(taps, taps + kTaps, to + (rows[i] * out + o) * kTaps);
    }
  });
  return turned;
}

}  // namespace

std::vector<Source> kernel_sources(const std::vector<UnitSource>& sources) {
  std::vector<Source> result;
  for (const UnitSource& source : sources) result.push_back({source.blocked.activations(), source.upsampled});
  return result;
}

void convolve(const std::vector<UnitSource>& sources, const Tensor& weight, const ConvolutionOutput& output,
              const Task& task) {
  convolve(kernel_sources(sources), weight.const_data_ptr<float>(), weight.size(1), output, task);
}

void convolve_one_channel(const Tensor& x, const Tensor& weight, const ConvolutionOutput& output,
                          const Task& task) {
  const BlockedLayout& layout = output.layout;
  const convolution::DirectWeights weights(weight.const_data_ptr<float>(), layout.channels, 1);
  const Floats memory(PaddedImage::floats(layout.extents, 1));
  PaddedImage image(layout.extents, 1, memory.data());
  for (std::int64_t i = 0; i < layout.images; ++i) {
    image.fill(x.const_data_ptr<float>() + i * layout.extents.voxels(), task);
    convolve_direct(image, weights, output, i, task);
  }
  if (output.pooled != nullptr) max_pool(layout, output.values, output.pooled_layout, output.pooled, task);
}

std::vector<Tensor> source_gradients(const std::vector<UnitSource>& sources, const Tensor& weight,
                                     const BlockedTensor& gradient) {
  const Task task = aten_task();
  const Tensor turned = turned_weight(weight, sources, task);
  ConvolutionOutput output;
  output.layout = {gradient.values.size(0), turned.size(0), gradient.extents};
  const Tensor all = empty_blocked(output.layout, at::kFloat);
  output.values = all.mutable_data_ptr<float>();
  const Source from = {gradient.activations(), false};
  convolve(std::span(&from, 1), turned.const_data_ptr<float>(), weight.size(0), output, task);
  convolution::fill_border(output.layout, output.values, 0.0f, task);

  std::vector<Tensor> results;
  std::int64_t block = 0;
  for (const UnitSource& source : sources) {
    const BlockedLayout layout = source.blocked.layout();
    const Tensor own = all.narrow(1, block, layout.blocks);
    block += layout.blocks;
    if (!source.upsampled) {
      results.push_back(own);
      continue;
    }
    const Tensor halved = empty_blocked(layout, at::kFloat);
    convolution::upsampling_gradient(layout_of(own, layout.channels, gradient.extents),
                                     own.const_data_ptr<float>(), layout, halved.mutable_data_ptr<float>(),
                                     task);
    results.push_back(halved);
  }
  return results;
}

Tensor weight_gradient(const std::vector<UnitSource>& sources, const Tensor& weight,
                       const BlockedTensor& gradient) {
  const Task task = aten_task();
  const Tensor result = at::empty(weight.sizes(), at::kFloat);
  const BlockedLayout layout = gradient.layout();
  const Floats scratch(convolution::weight_gradient_scratch(weight.size(1), layout, task.threads));
  const auto from = kernel_sources(sources);
  convolution::weight_gradient(from, layout, gradient.values.const_data_ptr<float>(),
                               result.mutable_data_ptr<float>(), scratch.data(), task);
  return result;
}

}  // namespace medlsam::torch
