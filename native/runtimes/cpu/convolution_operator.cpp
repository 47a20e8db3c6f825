#include "runtimes/cpu/convolution_operator.hpp"

#include <algorithm>
#include <limits>

#include "runtimes/cpu/activations_layout.hpp"
#include "runtimes/cpu/memory.hpp"
#include "runtimes/cpu/pack_once.hpp"

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
  if (!parts.is_read) return {*parts.pooled};
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
    packed = pack_once<convolution::WinogradWeights>(parts_.weights, parts_.out, parts_.in, tile);
    page_out(weights());
  });
  return *packed;
}

const convolution::DirectWeights& ConvolutionOperator::direct() const {
  std::call_once(direct_once_, [this] {
    direct_ = pack_once<convolution::DirectWeights>(parts_.weights, parts_.out, parts_.in);
    page_out(weights());
  });
  return *direct_;
}

Shape ConvolutionOperator::result_shape(const OperatorShapes& shapes) const {
  Shape shape = shapes.inputs[0];
  shape[1] = parts_.out;
  for (std::size_t axis = 2; axis < shape.size(); ++axis) shape[axis] *= parts_.sources[0].upsampled ? 2 : 1;
  return shape;
}

void ConvolutionOperator::finish(const MutableActivations& to, const convolution::BlockedLayout& result,
                                 const Moments* moments, const Task& task) const {
  const float none = -std::numeric_limits<float>::infinity();
  if (parts_.epsilon) {
    convolution::normalization(result, moments, *parts_.epsilon, to.scale, to.offset);
    *to.floor = 0;
    convolution::fill_border(to.layout, to.values, none, task);
    return;
  }
  std::fill(to.scale, to.offset, 1.0f);
  std::fill(to.offset, to.floor, 0.0f);
  for (std::int64_t image = 0; parts_.bias != nullptr && image < result.images; ++image)
    std::copy_n(parts_.bias, parts_.out, to.offset + image * result.padded_channels());
  *to.floor = none;
  // What lies around an image reads as 0, whatever is done to values when they are read.
  std::vector<float> zeros(static_cast<std::size_t>(to.floor - to.offset));
  std::transform(to.offset, to.floor, zeros.begin(), [](float offset) { return -offset; });
  convolution::fill_border(to.layout, to.values, zeros.data(), task);
}

Step ConvolutionOperator::plan(const OperatorShapes& shapes, unsigned threads) const {
  const Shape result = result_shape(shapes);
  const int tile = tile_for(result);
  const Extents extents = extents_of(result);
  const convolution::BlockedLayout layout = blocked_layout(result);
  // As it is written, a convolution is pooled afterwards, from values that lie in scratch if nothing else
  // reads them.
  const std::size_t padded = aligned(sizeof(float) * PaddedImage::floats(extents, parts_.in));
  Step step;
  if (tile > 0) {
    step.scratch = sizeof(float) * winograd_scratch(winograd(tile), layout, threads);
  } else {
    step.scratch = padded + (parts_.is_read ? 0 : sizeof(float) * layout.floats());
    direct();
  }
  step.run = [=, this](const Operands& operands, const Task& task) {
    std::vector<Moments> moments(static_cast<std::size_t>(layout.images * layout.padded_channels()));
    ConvolutionOutput output;
    output.layout = layout;
    output.moments = parts_.epsilon ? moments.data() : nullptr;
    if (parts_.is_read) output.values = activations_in(operands.results[0], result).values;
    std::optional<MutableActivations> pooled;
    if (parts_.pooled) {
      pooled = activations_in(operands.results.back(), shapes.results.back());
      output.pooled_layout = pooled->layout;
      output.pooled = pooled->values;
    }
    std::vector<Source> sources;
    for (std::size_t i = 0; i < parts_.sources.size() && !reads_rows(); ++i)
      sources.push_back({activations_in(operands.inputs[i], shapes.inputs[i]), parts_.sources[i].upsampled});
    float* const scratch = reinterpret_cast<float*>(operands.scratch);
    if (tile > 0) {
      convolve_winograd(sources, winograd(tile), output, scratch, task);
    } else {
      if (!parts_.is_read) output.values = reinterpret_cast<float*>(operands.scratch + padded);
      PaddedImage image(extents, parts_.in, scratch);
      for (std::int64_t i = 0; i < layout.images; ++i) {
        if (reads_rows())
          image.fill(operands.input(0) + i * parts_.in * extents.voxels(), task);
        else
          image.fill(sources, i, task);
        convolve_direct(image, *direct_, output, i, task);
      }
      if (pooled) max_pool(layout, output.values, output.pooled_layout, output.pooled, task);
    }
    if (parts_.is_read) finish(activations_in(operands.results[0], result), layout, moments.data(), task);
    if (pooled) finish(*pooled, layout, moments.data(), task);
  };
  return step;
}

}  // namespace medlsam::cpu
