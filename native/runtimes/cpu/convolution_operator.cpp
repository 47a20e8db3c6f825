#include "runtimes/cpu/convolution_operator.hpp"

#include <algorithm>
#include <limits>

#include "runtimes/cpu/activations_layout.hpp"
#include "runtimes/cpu/memory.hpp"

namespace medlsam::cpu {
namespace {

using convolution::Activations;
using convolution::ConvolutionOutput;
using convolution::Extents;
using convolution::Moments;
using convolution::PaddedImage;
using convolution::Source;

// Channels up to which a row-major source is not brought into blocks.
constexpr std::int64_t kFewChannels = 4;

std::vector<Value> values_of(const ConvolutionParts& parts) {
  std::vector<Value> values;
  for (const ConvolutionSource& source : parts.sources) values.push_back(source.value);
  return values;
}

std::vector<Value> results_of(const ConvolutionParts& parts) {
  if (parts.pooled) return {parts.result, *parts.pooled};
  return {parts.result};
}

Extents extents_of(const Shape& shape) {
  return {shape[2], shape[3], shape[4]};
}

}  // namespace

ConvolutionOperator::ConvolutionOperator(ConvolutionParts parts)
    : Operator(values_of(parts), results_of(parts)), parts_(std::move(parts)) {}

bool ConvolutionOperator::reads_rows() const {
  return parts_.sources.size() == 1 && !parts_.sources[0].upsampled && parts_.in <= kFewChannels;
}

const Layout* ConvolutionOperator::input_layout(std::size_t) const {
  return reads_rows() ? nullptr : &ActivationsLayout::instance();
}

const Layout* ConvolutionOperator::result_layout(std::size_t) const {
  return &ActivationsLayout::instance();
}

int ConvolutionOperator::tile_for(const Shape& result) const {
  return reads_rows() ? 0 : convolution::winograd_tile(result[0], extents_of(result));
}

const convolution::WinogradWeights& ConvolutionOperator::winograd(int tile) const {
  auto& once = tile == 4 ? four_once_ : two_once_;
  auto& packed = tile == 4 ? four_ : two_;
  std::call_once(once, [&] {
    packed = {parts_.weights, parts_.out, parts_.in, tile};
    page_out(weights());
  });
  return packed;
}

const convolution::DirectWeights& ConvolutionOperator::direct() const {
  std::call_once(direct_once_, [this] {
    direct_ = {parts_.weights, parts_.out, parts_.in};
    page_out(weights());
  });
  return direct_;
}

void ConvolutionOperator::set_activations(const Operands& operands, const OperatorShapes& shapes,
                                          const Moments* moments, const Task& task) const {
  const MutableActivations result = activations_in(operands.results[0], shapes.results[0]);
  const float none = -std::numeric_limits<float>::infinity();
  const std::int64_t channels = result.layout.padded_channels();
  if (parts_.epsilon) {
    convolution::normalization(result.layout, moments, *parts_.epsilon, result.scale, result.offset);
    *result.floor = 0;
  } else {
    std::fill(result.scale, result.offset, 1.0f);
    std::fill(result.offset, result.floor, 0.0f);
    for (std::int64_t image = 0; parts_.bias != nullptr && image < result.layout.images; ++image)
      std::copy_n(parts_.bias, parts_.out, result.offset + image * channels);
    *result.floor = none;
  }
  // What lies around an image reads as 0, whatever is done to values when they are read.
  std::vector<float> zeros(static_cast<std::size_t>(result.layout.images * channels));
  std::transform(result.offset, result.floor, zeros.begin(), [](float offset) { return -offset; });
  const auto fill = [&](const convolution::BlockedLayout& layout, float* values) {
    if (parts_.epsilon)
      convolution::fill_border(layout, values, none, task);
    else
      convolution::fill_border(layout, values, zeros.data(), task);
  };
  fill(result.layout, result.values);
  if (!parts_.pooled) return;
  const MutableActivations pooled = activations_in(operands.results[1], shapes.results[1]);
  std::copy(result.scale, result.floor + 1, pooled.scale);
  fill(pooled.layout, pooled.values);
}

Step ConvolutionOperator::plan(const OperatorShapes& shapes, unsigned threads) const {
  const int tile = tile_for(shapes.results[0]);
  const Extents extents = extents_of(shapes.results[0]);
  const convolution::BlockedLayout layout = blocked_layout(shapes.results[0]);
  Step step;
  step.scratch = sizeof(float) * (tile > 0 ? winograd_scratch(winograd(tile), layout, threads)
                                           : PaddedImage::floats(extents, parts_.in));
  if (tile == 0) direct();
  step.run = [=, this](const Operands& operands, const Task& task) {
    std::vector<Moments> moments(static_cast<std::size_t>(layout.images * layout.padded_channels()));
    const MutableActivations result = activations_in(operands.results[0], shapes.results[0]);
    ConvolutionOutput output;
    output.layout = layout;
    output.values = result.values;
    output.moments = parts_.epsilon ? moments.data() : nullptr;
    if (parts_.pooled) {
      const MutableActivations pooled = activations_in(operands.results[1], shapes.results[1]);
      output.pooled_layout = pooled.layout;
      output.pooled = pooled.values;
    }
    std::vector<Source> sources;
    for (std::size_t i = 0; i < parts_.sources.size() && !reads_rows(); ++i)
      sources.push_back({activations_in(operands.inputs[i], shapes.inputs[i]), parts_.sources[i].upsampled});
    float* const scratch = reinterpret_cast<float*>(operands.scratch);
    if (tile > 0) {
      convolve_winograd(sources, winograd(tile), output, scratch, task);
    } else {
      PaddedImage image(extents, parts_.in, scratch);
      for (std::int64_t i = 0; i < layout.images; ++i) {
        if (reads_rows())
          image.fill(operands.input(0) + i * parts_.in * extents.voxels(), task);
        else
          image.fill(sources, i, task);
        convolve_direct(image, direct_, output, i, task);
      }
      if (parts_.pooled) max_pool(layout, output.values, output.pooled_layout, output.pooled, task);
    }
    set_activations(operands, shapes, moments.data(), task);
  };
  return step;
}

}  // namespace medlsam::cpu
