#include "torch/aten/convolution_unit.hpp"

#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "kernels/convolution/activations_gradient.hpp"
#include "kernels/convolution/weight_gradient.hpp"
#include "torch/aten/unit_kernels.hpp"

namespace medlsam::torch {
namespace {

using at::Tensor;
using convolution::Activations;
using convolution::BlockedLayout;
using convolution::ConvolutionOutput;
using convolution::Extents;
using ::torch::autograd::AutogradContext;
using ::torch::autograd::variable_list;

constexpr float kNothing = -std::numeric_limits<float>::infinity();

// Results of a unit's convolution: its values and what normalizes them, maybe pooled values.
struct Left {
  Tensor values, scale, offset, pooled;

  variable_list list() const {
    variable_list tensors = {values, scale, offset};
    if (pooled.defined()) tensors.push_back(pooled);
    return tensors;
  }
};

// convolve(output) writes the convolution.
template <class Convolve>
Left run_unit(const BlockedLayout& layout, const at::TensorOptions& options, double epsilon, bool is_pooled,
              const Convolve& run) {
  const Task task = aten_task();
  Left left = {empty_blocked(layout, options),
               at::empty({layout.images, layout.padded_channels()}, options.requires_grad(false)), Tensor(),
               Tensor()};
  left.offset = at::empty_like(left.scale);
  std::vector<convolution::Moments> moments(
      static_cast<std::size_t>(layout.images * layout.padded_channels()));
  ConvolutionOutput output;
  output.layout = layout;
  output.values = left.values.mutable_data_ptr<float>();
  output.moments = moments.data();
  if (is_pooled) {
    const Extents& whole = layout.extents;
    output.pooled_layout = {layout.images, layout.channels, {whole.z / 2, whole.y / 2, whole.x / 2}};
    left.pooled = empty_blocked(output.pooled_layout, options);
    output.pooled = left.pooled.mutable_data_ptr<float>();
  }
  run(output, task);
  convolution::normalization(layout, moments.data(), epsilon, left.scale.mutable_data_ptr<float>(),
                             left.offset.mutable_data_ptr<float>());
  convolution::fill_border(layout, output.values, kNothing, task);
  if (is_pooled) convolution::fill_border(output.pooled_layout, output.pooled, kNothing, task);
  return left;
}

// The gradient of a unit's convolution, from those of what its readers saw; where there is one, in its place:
// nobody else reads it any more.
Tensor convolution_gradient(const Activations& activations, const variable_list& gradients) {
  const BlockedLayout& layout = activations.layout;
  const Task task = aten_task();
  convolution::ReadGradients read;
  Tensor result = gradients[0];
  if (result.defined()) {
    if (result.stride(1) != layout.block) result = result.contiguous();
    read.values = result.const_data_ptr<float>();
    read.image = result.stride(0);
  } else {
    result = empty_blocked(layout, at::kFloat);
    convolution::fill_border(layout, result.mutable_data_ptr<float>(), 0.0f, task);
  }
  if (gradients.size() > 3 && gradients[3].defined()) {
    const Extents& whole = layout.extents;
    read.pooled_layout = layout_of(gradients[3], layout.channels, {whole.z / 2, whole.y / 2, whole.x / 2});
    read.pooled = gradients[3].const_data_ptr<float>();
  }
  normalization_gradient(activations, read, result.mutable_data_ptr<float>(), result.stride(0), task);
  return result;
}

// A unit's sources as its function saves them: what is no tensor of theirs, and the tensors.
struct SavedSources {
  std::vector<std::int64_t> numbers;  // six of each
  variable_list tensors;              // three of each

  explicit SavedSources(const std::vector<UnitSource>& sources) {
    for (const UnitSource& source : sources) {
      const BlockedTensor& blocked = source.blocked;
      for (const std::int64_t number :
           {blocked.channels, blocked.extents.z, blocked.extents.y, blocked.extents.x,
            std::int64_t{blocked.normalized}, std::int64_t{source.upsampled}})
        numbers.push_back(number);
      tensors.insert(tensors.end(), {blocked.values, blocked.scale, blocked.offset});
    }
  }

  static std::vector<UnitSource> restore(const std::vector<std::int64_t>& numbers,
                                         const variable_list& tensors) {
    std::vector<UnitSource> sources;
    for (std::size_t i = 0; 6 * i < numbers.size(); ++i) {
      const std::int64_t* const n = numbers.data() + 6 * i;
      sources.push_back(
          {{tensors[3 * i], tensors[3 * i + 1], tensors[3 * i + 2], n[4] != 0, n[0], {n[1], n[2], n[3]}},
           n[5] != 0});
    }
    return sources;
  }
};

Extents result_extents(const UnitSource& source) {
  const Extents& extents = source.blocked.extents;
  const std::int64_t factor = source.upsampled ? 2 : 1;
  return {factor * extents.z, factor * extents.y, factor * extents.x};
}

struct Unit : ::torch::autograd::Function<Unit> {
  static variable_list forward(AutogradContext* context, const Tensor& weight, const Tensor& first,
                               const std::optional<Tensor>& second, const std::vector<UnitSource>& given,
                               double epsilon, bool is_pooled) {
    std::vector<UnitSource> sources = given;
    sources[0].blocked.values = first;
    if (sources.size() > 1) sources[1].blocked.values = *second;
    const BlockedLayout layout(first.size(0), weight.size(0), result_extents(sources[0]));
    const Left left =
        run_unit(layout, first.options(), epsilon, is_pooled,
                 [&](const auto& output, const Task& task) { convolve(sources, weight, output, task); });
    SavedSources saved(sources);
    saved.tensors.insert(saved.tensors.end(), {weight, left.values, left.scale, left.offset});
    context->save_for_backward(saved.tensors);
    context->saved_data["sources"] = saved.numbers;
    context->mark_non_differentiable({left.scale, left.offset});
    context->set_materialize_grads(false);
    return left.list();
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    variable_list saved = context->get_saved_variables();
    const auto sources = SavedSources::restore(context->saved_data["sources"].toIntVector(), saved);
    const std::size_t own = 3 * sources.size();
    const Tensor& weight = saved[own];
    const BlockedTensor result = {saved[own + 1], saved[own + 2], saved[own + 3],
                                  true,           weight.size(0), result_extents(sources[0])};
    variable_list results(6);
    if (!gradients[0].defined() && (gradients.size() < 4 || !gradients[3].defined())) return results;
    const BlockedTensor gradient =
        plain_blocked(convolution_gradient(result.activations(), gradients), result.channels, result.extents);
    if (context->needs_input_grad(0)) results[0] = weight_gradient(sources, weight, gradient);
    if (context->needs_input_grad(1) || (sources.size() > 1 && context->needs_input_grad(2))) {
      const variable_list of_sources = source_gradients(sources, weight, gradient);
      std::copy(of_sources.begin(), of_sources.end(), results.begin() + 1);
    }
    return results;
  }
};

struct FirstUnit : ::torch::autograd::Function<FirstUnit> {
  static variable_list forward(AutogradContext* context, const Tensor& weight, const Tensor& x,
                               double epsilon, bool is_pooled) {
    const BlockedLayout layout(x.size(0), weight.size(0), {x.size(2), x.size(3), x.size(4)});
    const Left left = run_unit(
        layout, x.options(), epsilon, is_pooled,
        [&](const auto& output, const Task& task) { convolve_one_channel(x, weight, output, task); });
    context->save_for_backward({x, weight, left.values, left.scale, left.offset});
    context->mark_non_differentiable({left.scale, left.offset});
    context->set_materialize_grads(false);
    return left.list();
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1];
    const BlockedTensor result = {saved[2], saved[3],       saved[4],
                                  true,     weight.size(0), {x.size(2), x.size(3), x.size(4)}};
    variable_list results(4);
    if (!gradients[0].defined() && (gradients.size() < 4 || !gradients[3].defined())) return results;
    const Tensor gradient = convolution_gradient(result.activations(), gradients);
    results[0] = at::empty(weight.sizes(), at::kFloat);
    convolution::weight_gradient_of_one_channel(
        x.const_data_ptr<float>(), layout_of(gradient, weight.size(0), result.extents),
        gradient.const_data_ptr<float>(), results[0].mutable_data_ptr<float>(), aten_task());
    return results;
  }
};

UnitResult result_of(const variable_list& left, std::int64_t channels, const Extents& extents) {
  UnitResult result;
  result.values = {left[0], left[1], left[2], true, channels, extents};
  if (left.size() > 3)
    result.pooled = BlockedTensor{left[3], left[1],  left[2],
                                  true,    channels, {extents.z / 2, extents.y / 2, extents.x / 2}};
  return result;
}

}  // namespace

UnitResult convolution_unit(const std::vector<UnitSource>& sources, const Tensor& weight, double epsilon,
                            bool is_pooled) {
  std::optional<Tensor> second;
  if (sources.size() > 1) second = sources[1].blocked.values;
  const variable_list left =
      Unit::apply(weight.contiguous(), sources[0].blocked.values, second, sources, epsilon, is_pooled);
  return result_of(left, weight.size(0), result_extents(sources[0]));
}

UnitResult convolution_unit(const Tensor& x, const Tensor& weight, double epsilon, bool is_pooled) {
  const variable_list left = FirstUnit::apply(weight.contiguous(), x.contiguous(), epsilon, is_pooled);
  return result_of(left, weight.size(0), {x.size(2), x.size(3), x.size(4)});
}

}  // namespace medlsam::torch
