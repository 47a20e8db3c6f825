#include "networks/graph.hpp"

#include <utility>

#include "base/error.hpp"
#include "networks/graph_shapes.hpp"

namespace medlsam {
namespace {

[[noreturn]] void wrong(const std::string& what) {
  throw Error(ErrorCode::kInternal, "A network's graph: " + what + '.');
}

}  // namespace

const std::vector<std::int64_t>& Attributes::list(std::string_view name) const {
  const auto found = integers.find(name);
  if (found == integers.end()) wrong("a node without '" + std::string(name) + "'");
  return found->second;
}

double Attributes::real(std::string_view name) const {
  const auto found = reals.find(name);
  if (found == reals.end()) wrong("a node without '" + std::string(name) + "'");
  return found->second;
}

Value Graph::new_value(Shape shape) {
  shapes_.push_back(std::move(shape));
  return {static_cast<std::int32_t>(shapes_.size() - 1)};
}

const Shape& Graph::shape(Value value) const {
  if (value.index < 0 || static_cast<std::size_t>(value.index) >= shapes_.size())
    wrong("there is no value " + std::to_string(value.index));
  return shapes_[static_cast<std::size_t>(value.index)];
}

Value Graph::input(std::string name, Shape shape) {
  const Value value = new_value(std::move(shape));
  inputs_.push_back({std::move(name), value});
  return value;
}

Value Graph::parameter(const std::string& name, const Shape& shape) {
  const auto [entry, is_new] = parameter_of_.try_emplace(name);
  if (is_new) {
    if (!checked_elements(shape)) wrong("parameter '" + name + "' of shape " + shape_text(shape));
    entry->second = new_value(shape);
    parameters_.push_back({name, entry->second});
  } else if (this->shape(entry->second) != shape) {
    wrong("parameter '" + name + "' of shape " + shape_text(this->shape(entry->second)) + " and of " +
          shape_text(shape));
  }
  return entry->second;
}

Value Graph::add_node(Op op, std::vector<Value> inputs, Attributes attributes) {
  std::vector<Shape> shapes;
  for (const Value input : inputs) shapes.push_back(shape(input));
  const Value result = new_value(result_shape(op, shapes, attributes));
  nodes_.push_back({op, std::move(inputs), std::move(attributes), result});
  return result;
}

void Graph::output(Value value) {
  (void)shape(value);
  outputs_.push_back(value);
}

Value Graph::convolution(Value x, Value weight, std::int64_t padding) {
  const std::size_t rank = shape(weight).size();
  return add_node(Op::kConvolution, {x, weight},
                  {{{"padding", std::vector(rank < 2 ? 0 : rank - 2, padding)}}, {}});
}

Value Graph::convolution(Value x, Value weight, Value bias, std::int64_t padding) {
  const std::size_t rank = shape(weight).size();
  return add_node(Op::kConvolution, {x, weight, bias},
                  {{{"padding", std::vector(rank < 2 ? 0 : rank - 2, padding)}}, {}});
}

Value Graph::instance_norm_relu(Value x, float epsilon) {
  return add_node(Op::kInstanceNormRelu, {x}, {{}, {{"epsilon", static_cast<double>(epsilon)}}});
}

Value Graph::max_pool(Value x, std::int64_t size) {
  return add_node(Op::kMaxPool, {x}, {{{"size", {size}}}, {}});
}

Value Graph::upsample(Value x, std::int64_t factor) {
  return add_node(Op::kUpsample, {x}, {{{"factor", {factor}}}, {}});
}

Value Graph::concat(Value a, Value b, std::int64_t axis) {
  return add_node(Op::kConcat, {a, b}, {{{"axis", {axis}}}, {}});
}

Value Graph::layer_norm(Value x, Value weight, Value bias, float epsilon) {
  return add_node(Op::kLayerNorm, {x, weight, bias}, {{}, {{"epsilon", static_cast<double>(epsilon)}}});
}

Value Graph::reshape(Value x, std::vector<std::int64_t> shape) {
  return add_node(Op::kReshape, {x}, {{{"shape", std::move(shape)}}, {}});
}

Value Graph::transpose(Value x, std::vector<std::int64_t> axes) {
  return add_node(Op::kTranspose, {x}, {{{"axes", std::move(axes)}}, {}});
}

Value Graph::slice(Value x, std::int64_t axis, std::int64_t begin, std::int64_t end) {
  return add_node(Op::kSlice, {x}, {{{"axis", {axis}}, {"begin", {begin}}, {"end", {end}}}, {}});
}

Value Graph::attention(Value q, Value k, Value v, std::int64_t heads) {
  return add_node(Op::kAttention, {q, k, v}, {{{"heads", {heads}}}, {}});
}

Value Graph::window_attention(Value qkv, Value bias, Value vertical, Value horizontal, std::int64_t heads,
                              std::int64_t window) {
  return add_node(Op::kWindowAttention, {qkv, bias, vertical, horizontal},
                  {{{"heads", {heads}}, {"window", {window}}}, {}});
}

std::vector<std::vector<Value>> Graph::last_uses() const {
  // The last node that uses a value; a result that nothing uses ends with its own node.
  constexpr std::size_t kNever = static_cast<std::size_t>(-1);
  std::vector<std::size_t> last(values(), kNever);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    for (const Value input : nodes_[i].inputs) last[static_cast<std::size_t>(input.index)] = i;
    last[static_cast<std::size_t>(nodes_[i].result.index)] = i;
  }
  for (const Value output : outputs_) last[static_cast<std::size_t>(output.index)] = kNever;
  std::vector<std::vector<Value>> ending(nodes_.size());
  for (std::size_t value = 0; value < last.size(); ++value) {
    if (last[value] != kNever) ending[last[value]].push_back({static_cast<std::int32_t>(value)});
  }
  return ending;
}

void Graph::check_inputs(std::span<const Shape> shapes) const {
  if (shapes.size() != inputs_.size())
    wrong(std::to_string(shapes.size()) + " inputs for " + std::to_string(inputs_.size()));
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const Shape& declared = shape(inputs_[i].value);
    if (!shape_fits(declared, shapes[i]))
      wrong("input '" + inputs_[i].name + "' of shape " + shape_text(shapes[i]) + ", declared as " +
            shape_text(declared));
  }
}

}  // namespace medlsam
