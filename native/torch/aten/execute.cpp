#include "torch/aten/execute.hpp"

#include "base/error.hpp"
#include "torch/aten/execute_wide.hpp"
#include "torch/aten/graph_values.hpp"
#include "torch/aten/instance_norm.hpp"
#include "torch/aten/upsample.hpp"

namespace medlsam::torch {
namespace {

using at::Tensor;

Tensor convolution(const Node& node, std::span<const Tensor> inputs, const GpuChoices& gpu) {
  const auto& padding = node.attributes.list("padding");
  const Tensor &x = inputs[0], &weight = inputs[1];
  const Tensor bias = inputs.size() > 2 ? inputs[2] : Tensor();
  if (x.dim() == 4) return at::conv2d(x, weight, bias, 1, padding);
  // oneDNN's bfloat16 gradients of weights are NaN now and then where the image is this small.
  if (x.is_cpu() && x.scalar_type() == at::kBFloat16 && x.size(4) < 4) {
    const Tensor wide = bias.defined() ? bias.to(at::kFloat) : bias;
    return at::conv3d(x.to(at::kFloat), weight.to(at::kFloat), wide, 1, padding).to(at::kBFloat16);
  }
  // oneDNN convolves with the channels last in as little as half the time, and the next operations keep that
  // order.
  const bool last = x.is_cpu() ? x.scalar_type() == at::kFloat : gpu.channels_last;
  return at::conv3d(last ? x.contiguous(at::MemoryFormat::ChannelsLast3d) : x, weight, bias, 1, padding);
}

Tensor upsample(const Node& node, const Tensor& x) {
  const std::int64_t factor = node.attributes.integer("factor");
  if (factor == 2) return upsample_double(x);
  return at::upsample_trilinear3d(x, {x.size(2) * factor, x.size(3) * factor, x.size(4) * factor}, false);
}

Tensor reshape(const Node& node, const Tensor& x) {
  std::vector<std::int64_t> wanted = node.attributes.list("shape");
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == 0) wanted[i] = x.size(static_cast<std::int64_t>(i));
  }
  return x.reshape(wanted);
}

Tensor compute(const Node& node, std::span<const Tensor> inputs, const Execution& execution) {
  const Attributes& attributes = node.attributes;
  const Tensor& x = inputs[0];
  switch (node.op) {
    case Op::kConvolution:
      return convolution(node, inputs, execution.gpu);
    case Op::kInstanceNormRelu:
      return instance_norm_relu(x, attributes.real("epsilon"));
    case Op::kMaxPool:
      return at::max_pool3d(x, attributes.integer("size"));
    case Op::kUpsample:
      return upsample(node, x);
    case Op::kConcat:
      return at::cat({x, inputs[1]}, attributes.integer("axis"));
    case Op::kFlatten:
      return at::flatten(x, 1);
    case Op::kDropout:
      return execution.dropout ? execution.dropout(x) : x;
    case Op::kLinear:
      return inputs.size() > 2 ? at::linear(x, inputs[1], inputs[2]) : at::linear(x, inputs[1]);
    case Op::kMatMulTransposed:
      return at::matmul(x, inputs[1].transpose(-1, -2));
    case Op::kLayerNorm:
      return at::layer_norm(x, {x.size(-1)}, inputs[1], inputs[2], attributes.real("epsilon"));
    case Op::kRelu:
      return at::relu(x);
    case Op::kGelu:
      return at::gelu(x);
    case Op::kAdd:
      return at::add(x, inputs[1]);
    case Op::kReshape:
      return reshape(node, x);
    case Op::kTranspose:
      return x.permute(attributes.list("axes"));
    case Op::kSlice:
      return x.slice(attributes.integer("axis"), attributes.integer("begin"), attributes.integer("end"));
    case Op::kAttention:
      return attention(x, inputs[1], inputs[2], attributes.integer("heads"), execution.gpu);
    case Op::kWindowAttention:
      return window_attention(x, inputs[1], inputs[2], inputs[3], attributes.integer("heads"),
                              attributes.integer("window"), execution.gpu, execution.check);
  }
  throw Error(ErrorCode::kInternal, "ATen has no operation " + std::string(op_name(node.op)) + '.');
}

// The wide nodes of a graph, and the type of the others.
struct WideExecution {
  const WideNodes& nodes;
  at::ScalarType precision;
};

// Computes node i in float32 if it is a wide one, and with it the one that it is joined with.
bool compute_wide(const Graph& graph, std::size_t i, const WideExecution* wide, GraphValues& values) {
  if (wide == nullptr) return false;
  const Node& node = graph.nodes()[i];
  const auto input = [&](std::size_t k) { return values.tensor(node.inputs[k]); };
  if (wide->nodes.units[i]) {
    const Node& norm = graph.nodes()[i + 1];
    const double epsilon = norm.attributes.real("epsilon");
    values.set(norm.result, wide_unit(input(0), input(1), input(2), epsilon, wide->precision));
    return true;
  }
  if (!wide->nodes.linears[i]) return false;
  const Tensor bias = node.inputs.size() > 2 ? input(2) : Tensor();
  values.set(node.result, at::linear(input(0).to(at::kFloat), input(1), bias));
  return true;
}

Tensor find_weight(const WeightMap& weights, const std::string& name, const Shape& shape) {
  const auto found = weights.find(name);
  if (found == weights.end()) throw Error(ErrorCode::kInternal, "Parameter '" + name + "' is missing.");
  return found->second.sizes() == at::IntArrayRef(shape) ? found->second : found->second.reshape(shape);
}

std::vector<Tensor> run_graph(const Graph& graph, const WeightMap& weights, std::span<const Tensor> inputs,
                              const Execution& execution, const WideExecution* wide) {
  std::vector<Shape> shapes;
  for (const Tensor& input : inputs) shapes.push_back(input.sizes().vec());
  graph.check_inputs(shapes);

  GraphValues values(graph);
  for (std::size_t i = 0; i < inputs.size(); ++i) values.set(graph.inputs()[i].value, inputs[i]);
  for (const NamedValue& parameter : graph.parameters())
    values.set(parameter.value, find_weight(weights, parameter.name, graph.shape(parameter.value)));
  const auto last_uses = graph.last_uses();
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    execution.check();
    if (!values.has(node.result) && !compute_wide(graph, i, wide, values) &&
        !(execution.own_convolutions && values.compute_blocked(i))) {
      std::vector<Tensor> taken;
      for (const Value input : node.inputs) taken.push_back(values.tensor(input));
      values.set(node.result, compute(node, taken, execution));
    }
    for (const Value value : last_uses[i]) values.forget(value);
  }
  std::vector<Tensor> outputs;
  for (const Value output : graph.outputs()) outputs.push_back(values.tensor(output));
  return outputs;
}

}  // namespace

Tensor borrow_weight(const TensorView& view) {
  const auto* data = reinterpret_cast<const float*>(view.bytes.data());
  return at::from_blob(const_cast<float*>(data), view.shape, at::kFloat);
}

WeightMap borrow_weights(const std::map<std::string, TensorView>& views) {
  WeightMap weights;
  for (const auto& [name, view] : views) weights[name] = borrow_weight(view);
  return weights;
}

std::vector<Tensor> execute(const Graph& graph, const WeightMap& weights, std::span<const Tensor> inputs,
                            const Execution& execution) {
  return run_graph(graph, weights, inputs, execution, nullptr);
}

std::vector<Tensor> execute_wide(const Graph& graph, const WeightMap& weights, std::span<const Tensor> inputs,
                                 const Execution& execution, const WideNodes& wide,
                                 at::ScalarType precision) {
  const WideExecution how = {wide, precision};
  return run_graph(graph, weights, inputs, execution, &how);
}

}  // namespace medlsam::torch
