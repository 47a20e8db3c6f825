// Every operation of a graph on a runtime, against its definition in double precision
// (testing/graph_reference), over random shapes.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "testing/graph_reference.hpp"
#include "testing/runtime_under_test.hpp"
#include "testing/test_device.hpp"

namespace medlsam {
namespace {

constexpr unsigned kRounds = 6, kWideRounds = 4;
constexpr double kTolerance = 3e-5;  // of the greatest value

// Few channels and many places, or up to 257 channels, of which few fill whole vectors or blocks, and few
// places: the definition is slow.
enum class Kind { kLong, kWide };

// A graph of one operation with random attributes, and random values for what it takes.
class Trial {
 public:
  Trial(Op op, Kind kind, unsigned seed) : random_(seed), is_wide_(kind == Kind::kWide) {
    graph_.output(record(op));
  }

  void run(const Runtime& runtime) {
    const auto network =
        runtime.compile(graph_, views(), runtime.place({Device::parse(test_device()), DType::kF32, 2}));
    const auto found = network->run(tensors_, {});
    std::vector<DoubleTensor> inputs;
    for (const Tensor& tensor : tensors_) inputs.push_back(to_double(tensor.floats(), tensor.shape()));
    const DoubleTensor wanted = evaluate_graph(graph_, doubles(), inputs).at(0);
    REQUIRE(found.size() == 1);
    REQUIRE(found[0].shape() == wanted.shape);
    compare(found[0].to_host().floats(), wanted.values);
  }

 private:
  std::int64_t between(std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(least, most)(random_);
  }
  bool chance() { return between(0, 1) == 1; }

  std::vector<float> values(const Shape& shape) {
    std::normal_distribution<float> normal;
    std::vector<float> values(shape_elements(shape));
    for (float& value : values) value = normal(random_);
    return values;
  }

  // Declared with an open batch, as networks declare theirs.
  Value input(const Shape& shape) {
    Shape declared = shape;
    if (shape[0] > 1) declared[0] = kAnyExtent;
    tensors_.push_back(Tensor::on_host(values(shape), shape));
    return graph_.input("input" + std::to_string(tensors_.size()), declared);
  }

  Value parameter(const Shape& shape) {
    const std::string name = "parameter" + std::to_string(parameters_.size());
    parameters_[name] = values(shape);
    return graph_.parameter(name, shape);
  }

  // Of the fewer ones as many as of the others: there blocks are cut.
  std::int64_t channels(std::int64_t most) {
    if (!is_wide_) return between(1, most);
    return chance() ? between(1, 40) : between(41, 257);
  }

  Shape image(std::size_t axes) {
    Shape shape = {is_wide_ ? between(1, 3) : between(2, 3), channels(5)};
    for (std::size_t i = 0; i < axes; ++i) shape.push_back(is_wide_ ? between(1, 4) : between(3, 9));
    return shape;
  }

  // The same with the channels last.
  Shape tokens(std::size_t axes) {
    Shape shape = image(axes);
    if (is_wide_) std::rotate(shape.begin() + 1, shape.begin() + 2, shape.end());
    return shape;
  }

  Value record(Op op);
  Value convolution();
  Value window_attention();
  Value attention();
  Value add();

  static DoubleTensor to_double(const float* values, const Shape& shape) {
    return {shape, {values, values + shape_elements(shape)}};
  }
  std::map<std::string, DoubleTensor> doubles() const {
    std::map<std::string, DoubleTensor> result;
    for (const NamedValue& parameter : graph_.parameters())
      result[parameter.name] =
          to_double(parameters_.at(parameter.name).data(), graph_.shape(parameter.value));
    return result;
  }
  ParameterMap views() const {
    ParameterMap result;
    for (const NamedValue& parameter : graph_.parameters()) {
      const std::span<const float> held(parameters_.at(parameter.name));
      result[parameter.name] = {DType::kF32, graph_.shape(parameter.value), std::as_bytes(held)};
    }
    return result;
  }

  void compare(const float* found, const std::vector<double>& wanted) const {
    double greatest = 1, worst = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      greatest = std::max(greatest, std::abs(wanted[i]));
      const double error = std::abs(static_cast<double>(found[i]) - wanted[i]);
      worst = error <= worst ? worst : error;  // a NaN is worst of all
    }
    CHECK(worst <= kTolerance * greatest);
  }

  std::mt19937 random_;
  const bool is_wide_;
  Graph graph_;
  std::vector<Tensor> tensors_;
  std::map<std::string, std::vector<float>> parameters_;
};

Value Trial::convolution() {
  const Shape shape = image(chance() ? 2 : 3);
  const std::int64_t out = channels(6), padding = is_wide_ ? 1 : between(0, 2);
  Shape kernel = {out, shape[1]};
  for (std::size_t axis = 2; axis < shape.size(); ++axis) kernel.push_back(between(1, 3));
  const Value x = input(shape), weight = parameter(kernel);
  return chance() ? graph_.convolution(x, weight, parameter({out}), padding)
                  : graph_.convolution(x, weight, padding);
}

Value Trial::attention() {
  const std::int64_t heads = between(1, 3), width = heads * (is_wide_ ? between(10, 85) : between(1, 9));
  const std::int64_t batch = between(2, 3);
  const std::int64_t kind = between(0, 2);  // which of the two is one for all
  const Value q = input({kind == 1 ? 1 : batch, between(1, 9), width});
  const Shape keys = {kind == 2 ? 1 : batch, between(1, 40), width};
  const Value k = input(keys), v = input(keys);
  return graph_.attention(q, k, v, heads);
}

Value Trial::window_attention() {
  const std::int64_t heads = between(1, 3), dim = is_wide_ ? between(10, 40) : between(1, 9);
  const std::int64_t width = heads * dim;
  const std::int64_t h = between(3, 9), w = between(3, 9), window = chance() ? 0 : between(2, 5);
  const Value qkv = input({between(2, 3), h, w, 3 * width}), bias = parameter({3 * width});
  const Value vertical = parameter({2 * (window == 0 ? h : window) - 1, dim});
  const Value horizontal = parameter({2 * (window == 0 ? w : window) - 1, dim});
  return graph_.window_attention(qkv, bias, vertical, horizontal, heads, window);
}

Value Trial::add() {
  const Shape shape = image(2);
  Shape other(shape.end() - static_cast<std::ptrdiff_t>(between(1, 4)), shape.end());
  for (std::int64_t& extent : other) extent = chance() ? 1 : extent;
  const Value x = input(shape);
  if (other.size() < shape.size()) return graph_.add(x, parameter(other));
  return graph_.add(input(other), x);
}

// Without a default: a new operation is not compiled until it is tried here.
Value Trial::record(Op op) {
  switch (op) {
    case Op::kConvolution:
      return convolution();
    case Op::kInstanceNormRelu:
      return graph_.instance_norm_relu(input(image(3)), 1e-5f);
    case Op::kMaxPool:
      return graph_.max_pool(input(image(3)), between(1, is_wide_ ? 1 : 3));
    case Op::kUpsample:
      return graph_.upsample(input(image(3)), between(2, 3));
    case Op::kConcat: {
      const std::int64_t axis = between(1, 3);
      Shape shape = image(2);
      const Value a = input(shape);
      shape[static_cast<std::size_t>(axis)] = axis == 1 ? channels(4) : between(1, 4);
      return graph_.concat(a, input(shape), axis);
    }
    case Op::kFlatten:
      return graph_.flatten(input(image(3)));
    case Op::kDropout:  // alone it would be an output that is an input
      return graph_.relu(graph_.dropout(input(image(3))));
    case Op::kLinear: {
      const Shape shape = tokens(static_cast<std::size_t>(between(0, 2)));
      const std::int64_t out = channels(40);
      const Value x = input(shape), weight = parameter({out, shape.back()});
      return chance() ? graph_.linear(x, weight, parameter({out})) : graph_.linear(x, weight);
    }
    case Op::kMatMulTransposed: {
      const std::int64_t batch = between(2, 3), inner = channels(20);
      const Value a = input({batch, between(1, 9), inner});
      return graph_.matmul_transposed(a, input({chance() ? 1 : batch, channels(9), inner}));
    }
    case Op::kLayerNorm: {
      const Shape shape = tokens(static_cast<std::size_t>(between(1, 2)));
      const Value x = input(shape), weight = parameter({shape.back()});
      return graph_.layer_norm(x, weight, parameter({shape.back()}), 1e-6f);
    }
    case Op::kRelu:
      return graph_.relu(input(image(2)));
    case Op::kGelu:
      return graph_.gelu(input(image(2)));
    case Op::kAdd:
      return add();
    case Op::kReshape: {
      const Shape shape = image(2);
      if (chance()) return graph_.reshape(input(shape), {0, -1, shape[3]});
      return graph_.reshape(input(shape), {-1, shape[2] * shape[3], shape[1]});
    }
    case Op::kTranspose: {
      std::vector<std::int64_t> axes = {0, 1, 2, 3};
      std::shuffle(axes.begin(), axes.end(), random_);
      return graph_.transpose(input(image(2)), axes);
    }
    case Op::kSlice: {
      const Shape shape = image(2);
      const std::int64_t axis = between(1, 3), extent = shape[static_cast<std::size_t>(axis)];
      const std::int64_t begin = between(0, extent - 1);
      return graph_.slice(input(shape), axis, begin, between(begin + 1, extent));
    }
    case Op::kAttention:
      return attention();
    case Op::kWindowAttention:
      return window_attention();
  }
  FAIL("there is no such operation");
  return {};
}

}  // namespace

TEST_CASE("every operation is what it is defined as") {
  const auto runtime = runtime_under_test();
  for (std::size_t op = 0; op < kOps; ++op) {
    for (unsigned round = 0; round < kRounds + kWideRounds; ++round) {
      CAPTURE(op_name(static_cast<Op>(op)));
      CAPTURE(round);
      const Kind kind = round < kRounds ? Kind::kLong : Kind::kWide;
      Trial(static_cast<Op>(op), kind, 1000 * static_cast<unsigned>(op) + round).run(*runtime);
    }
  }
}

TEST_CASE("a runtime says which parameter it misses, and which input does not fit") {
  Graph graph;
  const Value x = graph.input("x", {kAnyExtent, 3});
  graph.output(graph.linear(x, graph.parameter("weight", {2, 3})));
  const auto runtime = runtime_under_test();
  CHECK_THROWS_WITH_AS((void)runtime->compile(graph, {}, {}),
                       "Parameter 'weight' of shape [2, 3] is missing.", Error);
  const std::vector<float> values(8, 1);
  const std::span<const float> some(values);
  CHECK_THROWS_WITH_AS(
      (void)runtime->compile(graph, {{"weight", {DType::kF32, {8}, std::as_bytes(some)}}}, {}),
      "Parameter 'weight' of shape [2, 3] is a tensor of F32 [8].", Error);
  const auto network =
      runtime->compile(graph, {{"weight", {DType::kF32, {6}, std::as_bytes(some.first(6))}}}, {});
  const Tensor fits = Tensor::on_host(values.data(), {2, 3}), other = Tensor::on_host(values.data(), {2, 4});
  CHECK(network->run(std::span(&fits, 1), {}).at(0).floats()[0] == 3);
  CHECK_THROWS_WITH_AS((void)network->run(std::span(&other, 1), {}),
                       doctest::Contains("'x' of shape [2, 4], declared as [-1, 3]"), Error);
}

}  // namespace medlsam
