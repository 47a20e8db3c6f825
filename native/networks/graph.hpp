// A network as data: which operations it does, in which order, on which parameters. A network records itself
// once (medlam.cpp, sam.cpp), and a runtime translates any graph without knowing the network.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/tensor.hpp"

namespace medlsam {

// An extent that is known only when the network runs.
inline constexpr std::int64_t kAnyExtent = -1;

// Operation of a node on its inputs. Tensors are float32 and row-major; (n, c, …) is a batch of n images of c
// channels with the axes z, y, x or y, x. Attributes are named in `quotes`.
enum class Op : std::uint8_t {
  // x (n, c, …), weight (out, c, …) and maybe bias (out) → (n, out, …): cross-correlation along two or three
  // axes, `padding` zeros at both ends of each.
  kConvolution,
  // x (n, c, z, y, x) → the same, each channel of each image brought to mean 0 and variance 1 (`epsilon` is
  // added to the variance), then negative values to 0.
  kInstanceNormRelu,
  // x (n, c, z, y, x) → the greatest of every cube of `size`; what is left over at the ends is dropped.
  kMaxPool,
  // x (n, c, z, y, x) → `factor` times as large along z, y and x: trilinear, half-pixel centres, the
  // outermost
  // values repeated.
  kUpsample,
  kConcat,            // a, b: joined along `axis`
  kFlatten,           // x (n, …) → (n, k)
  kDropout,           // x, of which training hides a part; x itself elsewhere
  kLinear,            // x (…, in), weight (out, in) and maybe bias (out) → (…, out)
  kMatMulTransposed,  // a (n, i, k), b (n, j, k) → a·bᵀ (n, i, j); an n of 1 serves all
  kLayerNorm,         // x (…, c), weight (c), bias (c): mean 0, variance 1 along the last axis; `epsilon`
  kRelu,              // x
  kGelu,              // x·Φ(x), exact, not by tanh
  kAdd,               // a, b: broadcasting, axes aligned at the last
  kReshape,           // x to `shape`, where 0 keeps the extent of this place and one −1 is the rest
  kTranspose,         // x: axis i of the result is axis `axes`[i]
  kSlice,             // x: part [`begin`, `end`) along `axis`
  // q (n, tokens, width), k and v (n, other tokens, width), each cut into `heads` along the width →
  // softmax(q·kᵀ/√(width of a head))·v, (n, tokens, width); an n of 1 serves all.
  kAttention,
  // qkv (n, h, w, 3·width) without its bias (3·width), tables of relative positions along y and x,
  // (2·extent − 1, width of a head) each → (n, h, w, width). Each head attends within windows of `window`²
  // tokens, or within the whole grid for 0. A grid that windows do not divide is padded with zeros *before*
  // the bias: padding is seen. Query and key at (y, x), (y′, x′) add q·vertical[y − y′ + extent − 1] +
  // q·horizontal[x − x′ + extent − 1] to their score, with q not scaled.
  kWindowAttention,
};

inline constexpr std::size_t kOps = static_cast<std::size_t>(Op::kWindowAttention) + 1;

const char* op_name(Op op);  // "convolution" and so on

// The place of an input, a parameter or a node's result among a graph's values.
struct Value {
  std::int32_t index = -1;
  bool operator==(const Value&) const = default;
};

// Attributes of an operation, besides tensors, by name. A single integer is a list of one.
struct Attributes {
  std::map<std::string, std::vector<std::int64_t>, std::less<>> integers;
  std::map<std::string, double, std::less<>> reals;

  const std::vector<std::int64_t>& list(std::string_view name) const;
  std::int64_t integer(std::string_view name) const { return list(name).at(0); }
  double real(std::string_view name) const;
};

struct Node {
  Op op;
  std::vector<Value> inputs;
  Attributes attributes;
  Value result;
};

struct NamedValue {
  std::string name;
  Value value;
};

// Nodes are in an order in which they can be computed. Every function that adds one checks the shapes and
// throws kInternal with the operation and the shapes where they do not fit: a network that records wrongly is
// a bug.
class Graph {
 public:
  // `shape` may have kAnyExtent anywhere.
  Value input(std::string name, Shape shape);
  // A parameter by the name under which the runtime finds it; the same value each time. Its tensor has as
  // many elements as `shape`, which may differ from the tensor's own.
  Value parameter(const std::string& name, const Shape& shape);
  Value add_node(Op op, std::vector<Value> inputs, Attributes attributes = {});
  void output(Value value);

  Value convolution(Value x, Value weight, std::int64_t padding);
  Value convolution(Value x, Value weight, Value bias, std::int64_t padding);
  Value instance_norm_relu(Value x, float epsilon);
  Value max_pool(Value x, std::int64_t size);
  Value upsample(Value x, std::int64_t factor);
  Value concat(Value a, Value b, std::int64_t axis);
  Value flatten(Value x) { return add_node(Op::kFlatten, {x}); }
  Value dropout(Value x) { return add_node(Op::kDropout, {x}); }
  Value linear(Value x, Value weight) { return add_node(Op::kLinear, {x, weight}); }
  Value linear(Value x, Value weight, Value bias) { return add_node(Op::kLinear, {x, weight, bias}); }
  Value matmul_transposed(Value a, Value b) { return add_node(Op::kMatMulTransposed, {a, b}); }
  Value layer_norm(Value x, Value weight, Value bias, float epsilon);
  Value relu(Value x) { return add_node(Op::kRelu, {x}); }
  Value gelu(Value x) { return add_node(Op::kGelu, {x}); }
  Value add(Value a, Value b) { return add_node(Op::kAdd, {a, b}); }
  Value reshape(Value x, std::vector<std::int64_t> shape);
  Value transpose(Value x, std::vector<std::int64_t> axes);
  Value slice(Value x, std::int64_t axis, std::int64_t begin, std::int64_t end);
  Value attention(Value q, Value k, Value v, std::int64_t heads);
  Value window_attention(Value qkv, Value bias, Value vertical, Value horizontal, std::int64_t heads,
                         std::int64_t window);

  const Shape& shape(Value value) const;
  std::size_t values() const { return shapes_.size(); }
  const std::vector<NamedValue>& inputs() const { return inputs_; }
  const std::vector<NamedValue>& parameters() const { return parameters_; }
  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<Value>& outputs() const { return outputs_; }

  // For each node the values that no later node and no output uses, which need not be kept.
  std::vector<std::vector<Value>> last_uses() const;
  // Throws kInternal unless the inputs' shapes are the declared ones.
  void check_inputs(std::span<const Shape> shapes) const;

 private:
  Value new_value(Shape shape);

  std::vector<Shape> shapes_;  // of every value
  std::vector<NamedValue> inputs_, parameters_;
  std::map<std::string, Value> parameter_of_;
  std::vector<Node> nodes_;
  std::vector<Value> outputs_;
};

}  // namespace medlsam
