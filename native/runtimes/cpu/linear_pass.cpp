#include "runtimes/cpu/linear_pass.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "base/simd.hpp"
#include "kernels/gemm.hpp"
#include "runtimes/cpu/memory.hpp"
#include "runtimes/cpu/pack_once.hpp"
#include "runtimes/cpu/plain_operators.hpp"

namespace medlsam::cpu {
namespace {

// Inputs of an integer product: with fewer, a row's scale costs as much as the product gains.
constexpr std::int64_t kFewestInputs = 32;

// activation(norm(x)·weightᵀ + bias) + residual. What is null or empty is left out.
struct Parts {
  std::vector<std::size_t> nodes;
  Value x, result;
  const float *weight = nullptr, *bias = nullptr;
  std::int64_t out = 0, in = 0;
  std::optional<LayerNorm> norm;
  Activation activation = Activation::kNone;
  bool is_reshaped = false;  // the result, before the activation
  std::optional<Value> residual;
  const Node* addition = nullptr;  // of the residual
};

// Rows after which a matrix that is added to another one begins anew; none if it is added in another way.
std::optional<std::int64_t> added_rows(const Shape& added, const Shape& to) {
  std::size_t axis = added.size(), other = to.size();
  while (axis > 0 && other > 0 && added[axis - 1] == to[other - 1]) {
    --axis;
    --other;
  }
  const bool repeats = axis < added.size() && std::all_of(added.begin(), added.begin() + axis,
                                                          [](std::int64_t extent) { return extent == 1; });
  if (!repeats) return std::nullopt;
  return static_cast<std::int64_t>(shape_elements(added)) / added.back();
}

class LinearOperator : public Operator {
 public:
  LinearOperator(const Parts& parts, Precision precision)
      : Operator(parts.residual ? std::vector{parts.x, *parts.residual} : std::vector{parts.x},
                 {parts.result}),
        packed_(pack_once<PackedWeights>(parts.weight, parts.out, parts.in, parts.in, precision)),
        weights_(*packed_),
        bias_(parts.bias),
        norm_(parts.norm),
        activation_(parts.activation) {
    if (parts.addition != nullptr) addition_ = *parts.addition;
    // The packed weights take the place of the original ones.
    page_out({parts.weight, static_cast<std::size_t>(parts.out * parts.in)});
  }

  bool may_overwrite(std::size_t input) const override { return input == 1; }

  Step plan(const OperatorShapes& shapes, unsigned threads) const override {
    const std::int64_t rows = static_cast<std::int64_t>(shape_elements(shapes.inputs[0])) / weights_.in();
    const bool has_residual = shapes.inputs.size() > 1;
    Shape own = shapes.inputs[0];
    own.back() = weights_.out();
    const auto residual_rows =
        has_residual && own == shapes.results[0] ? added_rows(shapes.inputs[1], own) : std::nullopt;
    if (has_residual && !residual_rows) return plan_apart(shapes, own, rows, threads);
    return {[this, rows, residual_rows](const Operands& operands, const Task& task) {
      AddedRows residual;
      if (residual_rows) residual = {operands.input(1), *residual_rows, weights_.out()};
      run(operands.input(0), rows, residual, operands.result(), task);
    }};
  }

 private:
  void run(const float* x, std::int64_t rows, const AddedRows& residual, float* out, const Task& task) const {
    linear(task, {.data = x, .rows = rows, .stride = weights_.in(), .norm = norm_ ? &*norm_ : nullptr},
           weights_,
           {.data = out,
            .stride = weights_.out(),
            .bias = bias_,
            .activation = activation_,
            .residual = residual});
  }

  // Where shapes turn out to be broadcast in another way than the kernel knows: the sum of the two is a plain
  // operation on scratch memory.
  Step plan_apart(const OperatorShapes& shapes, const Shape& own, std::int64_t rows, unsigned threads) const {
    Step sum = plan_add(addition_, {{own, shapes.inputs[1]}, shapes.results}, {threads});
    Step step;
    step.scratch = shape_elements(own) * sizeof(float);
    step.run = [this, rows, add = std::move(sum.run)](const Operands& operands, const Task& task) {
      run(operands.input(0), rows, {}, reinterpret_cast<float*>(operands.scratch), task);
      const std::byte* const both[] = {operands.scratch, operands.inputs[1]};
      add({both, operands.results, nullptr}, task);
    };
    return step;
  }

  const std::shared_ptr<const PackedWeights> packed_;
  const PackedWeights& weights_;
  const float* const bias_;
  const std::optional<LayerNorm> norm_;
  const Activation activation_;
  Node addition_{};
};

// The only reader of a value that nothing else needs, if nobody has claimed it.
std::optional<std::size_t> only_reader(const Compilation& compilation, Value value) {
  if (!compilation.is_inner(value)) return std::nullopt;
  const std::size_t reader = compilation.readers(value)[0];
  if (compilation.is_claimed(reader)) return std::nullopt;
  return reader;
}

std::optional<Activation> activation_of(const Node& node) {
  if (node.op == Op::kGelu) return Activation::kGelu;
  if (node.op == Op::kRelu) return Activation::kRelu;
  return std::nullopt;
}

void take_norm(const Compilation& compilation, Parts& parts) {
  const Node* const producer = compilation.producer(parts.x);
  if (producer == nullptr || producer->op != Op::kLayerNorm || !compilation.is_inner(parts.x)) return;
  const Node& node = *producer;
  const std::size_t index = compilation.index_of(node);
  if (compilation.is_claimed(index)) return;
  const LayerNorm norm = {compilation.parameter(node.inputs[1]), compilation.parameter(node.inputs[2]),
                          static_cast<float>(node.attributes.real("epsilon"))};
  if (norm.weight == nullptr || norm.bias == nullptr) return;
  parts.norm = norm;
  parts.x = node.inputs[0];
  parts.nodes.push_back(index);
}

// The result may be reshaped before its activation, which is done value by value.
void take_activation(const Compilation& compilation, Parts& parts) {
  auto reader = only_reader(compilation, parts.result);
  if (!reader) return;
  std::vector<std::size_t> nodes{*reader};
  if (compilation.node(*reader).op == Op::kReshape) {
    reader = only_reader(compilation, compilation.node(*reader).result);
    if (!reader) return;
    nodes.push_back(*reader);
  }
  const Node& node = compilation.node(*reader);
  if (!activation_of(node)) return;
  parts.activation = *activation_of(node);
  parts.is_reshaped = nodes.size() > 1;
  parts.result = node.result;
  parts.nodes.insert(parts.nodes.end(), nodes.begin(), nodes.end());
}

void take_residual(const Compilation& compilation, Parts& parts) {
  if (parts.is_reshaped) return;
  const auto reader = only_reader(compilation, parts.result);
  if (!reader) return;
  const Node& node = compilation.node(*reader);
  if (node.op != Op::kAdd || node.inputs[0] == node.inputs[1]) return;
  const Value other = node.inputs[0] == parts.result ? node.inputs[1] : node.inputs[0];
  const Shape &ours = compilation.graph().shape(parts.result), &added = compilation.graph().shape(other);
  if (added.size() > ours.size() || added.empty() || added.back() != ours.back()) return;
  parts.residual = other;
  parts.addition = &node;
  parts.result = node.result;
  parts.nodes.push_back(*reader);
}

// Nothing for a linear map of vectors, which reads its weight once, in place: packing it would only take
// memory.
std::optional<Parts> parts_of(const Compilation& compilation, std::size_t index) {
  const Node& node = compilation.node(index);
  if (node.op != Op::kLinear || compilation.is_claimed(index)) return std::nullopt;
  const Graph& graph = compilation.graph();
  Parts parts;
  parts.nodes = {index};
  parts.x = node.inputs[0];
  parts.result = node.result;
  parts.weight = compilation.parameter(node.inputs[1]);
  parts.bias = node.inputs.size() > 2 ? compilation.parameter(node.inputs[2]) : nullptr;
  const bool has_parameters = parts.weight != nullptr && (node.inputs.size() < 3 || parts.bias != nullptr);
  if (!has_parameters || graph.shape(parts.x).size() < 3) return std::nullopt;
  parts.out = graph.shape(node.inputs[1])[0];
  parts.in = graph.shape(node.inputs[1])[1];
  take_norm(compilation, parts);
  take_activation(compilation, parts);
  take_residual(compilation, parts);
  return parts;
}

// The weights of int8 checkpoints are multiplied as the integers that they are.
Precision precision_of(const Parts& parts, Precision asked) {
  const bool integers = asked == Precision::kFloat32 && simd_has_integer_pairs() &&
                        parts.in >= kFewestInputs &&
                        fit_integers(parts.weight, parts.out, parts.in, parts.in);
  return integers ? Precision::kIntegers : asked;
}

}  // namespace

void claim_linear(Compilation& compilation) {
  for (std::size_t index = 0; index < compilation.graph().nodes().size(); ++index) {
    const auto parts = parts_of(compilation, index);
    if (!parts) continue;
    compilation.claim(parts->nodes, std::make_unique<const LinearOperator>(
                                        *parts, precision_of(*parts, compilation.precision())));
  }
}

}  // namespace medlsam::cpu
