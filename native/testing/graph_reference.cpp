#include "testing/graph_reference.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "base/error.hpp"
#include "networks/graph_shapes.hpp"
#include "testing/reference_attention.hpp"

namespace medlsam {
namespace {

DoubleTensor mapped(const DoubleTensor& x, double (*function)(double)) {
  DoubleTensor result = x;
  std::transform(x.values.begin(), x.values.end(), result.values.begin(), function);
  return result;
}

// One channel of one image; two axes are three of which the first is 1. Plain loops: whole networks are run.
double convolved(const DoubleTensor& x, const DoubleTensor& weight, const Index& place,
                 const Index& padding) {
  const std::int64_t image[] = {x.shape[2], x.shape[3], x.shape[4]};
  const std::int64_t kernel[] = {weight.shape[2], weight.shape[3], weight.shape[4]};
  const double* taps = weight.values.data() + place[1] * x.shape[1] * kernel[0] * kernel[1] * kernel[2];
  double sum = 0;
  for (std::int64_t c = 0; c < x.shape[1]; ++c) {
    const double* from = x.values.data() + (place[0] * x.shape[1] + c) * image[0] * image[1] * image[2];
    for (std::int64_t dz = 0; dz < kernel[0]; ++dz) {
      for (std::int64_t dy = 0; dy < kernel[1]; ++dy) {
        for (std::int64_t dx = 0; dx < kernel[2]; ++dx, ++taps) {
          const std::int64_t z = place[2] + dz - padding[0], y = place[3] + dy - padding[1],
                             w = place[4] + dx - padding[2];
          if (z < 0 || z >= image[0] || y < 0 || y >= image[1] || w < 0 || w >= image[2]) continue;
          sum += from[(z * image[1] + y) * image[2] + w] * *taps;
        }
      }
    }
  }
  return sum;
}

DoubleTensor convolution(const Shape& shape, std::span<const DoubleTensor> inputs, Index padding) {
  DoubleTensor x = inputs[0], weight = inputs[1];
  Shape of = shape;
  if (of.size() == 4) {
    for (Shape* each : {&x.shape, &weight.shape, &of}) each->insert(each->begin() + 2, 1);
    padding.insert(padding.begin(), 0);
  }
  DoubleTensor result = filled(of, [&](const Index& index) {
    const double bias = inputs.size() > 2 ? inputs[2].values[static_cast<std::size_t>(index[1])] : 0;
    return bias + convolved(x, weight, index, padding);
  });
  result.shape = shape;
  return result;
}

// Subtracts the mean of every `run` successive values and divides by their deviation.
void normalize(std::vector<double>& values, std::size_t run, double epsilon) {
  for (std::size_t begin = 0; begin < values.size(); begin += run) {
    const std::span part(values.data() + begin, run);
    const double mean = std::accumulate(part.begin(), part.end(), 0.0) / static_cast<double>(run);
    double squares = 0;
    for (const double value : part) squares += (value - mean) * (value - mean);
    for (double& value : part)
      value = (value - mean) / std::sqrt(squares / static_cast<double>(run) + epsilon);
  }
}

DoubleTensor instance_norm_relu(DoubleTensor x, double epsilon) {
  normalize(x.values, shape_elements(std::span(x.shape).subspan(2)), epsilon);
  return mapped(x, [](double value) { return std::max(value, 0.0); });
}

DoubleTensor layer_norm(std::span<const DoubleTensor> inputs, double epsilon) {
  DoubleTensor result = inputs[0];
  const auto channels = static_cast<std::size_t>(result.shape.back());
  normalize(result.values, channels, epsilon);
  for (std::size_t i = 0; i < result.values.size(); ++i)
    result.values[i] = result.values[i] * inputs[1].values[i % channels] + inputs[2].values[i % channels];
  return result;
}

DoubleTensor max_pool(const Shape& shape, const DoubleTensor& x, std::int64_t size) {
  return filled(shape, [&](const Index& index) {
    double greatest = -HUGE_VAL;
    for_each({1, 1, size, size, size}, [&](const Index& tap) {
      Index from = index;
      for (std::size_t axis = 2; axis < 5; ++axis) from[axis] = index[axis] * size + tap[axis];
      greatest = std::max(greatest, at(x, from));
    });
    return greatest;
  });
}

DoubleTensor upsample(const Shape& shape, const DoubleTensor& x, std::int64_t factor) {
  return filled(shape, [&](const Index& index) {
    double sum = 0;
    for_each({1, 1, 2, 2, 2}, [&](const Index& corner) {
      Index from = index;
      double weight = 1;
      for (std::size_t axis = 2; axis < 5; ++axis) {
        const double place = (static_cast<double>(index[axis]) + 0.5) / static_cast<double>(factor) - 0.5;
        const double below = std::floor(place);
        weight *= corner[axis] == 0 ? 1 - (place - below) : place - below;
        from[axis] =
            std::clamp<std::int64_t>(static_cast<std::int64_t>(below) + corner[axis], 0, x.shape[axis] - 1);
      }
      sum += weight * at(x, from);
    });
    return sum;
  });
}

DoubleTensor concat(const Shape& shape, const DoubleTensor& a, const DoubleTensor& b, std::int64_t axis) {
  const auto place = static_cast<std::size_t>(axis);
  return filled(shape, [&](Index index) {
    const std::int64_t first = a.shape[place];
    if (index[place] < first) return at(a, index);
    index[place] -= first;
    return at(b, index);
  });
}

DoubleTensor linear(const Shape& shape, std::span<const DoubleTensor> inputs) {
  const DoubleTensor &x = inputs[0], &weight = inputs[1];
  return filled(shape, [&](const Index& index) {
    const std::int64_t out = index.back();
    double sum = inputs.size() > 2 ? inputs[2].values[static_cast<std::size_t>(out)] : 0;
    Index from = index;
    for (std::int64_t in = 0; in < weight.shape[1]; ++in) {
      from.back() = in;
      sum += at(x, from) * at(weight, {out, in});
    }
    return sum;
  });
}

DoubleTensor matmul_transposed(const Shape& shape, const DoubleTensor& a, const DoubleTensor& b) {
  return filled(shape, [&](const Index& index) {
    double sum = 0;
    for (std::int64_t k = 0; k < a.shape[2]; ++k)
      sum += at(a, {row_of(a, index[0]), index[1], k}) * at(b, {row_of(b, index[0]), index[2], k});
    return sum;
  });
}

DoubleTensor add(const Shape& shape, const DoubleTensor& a, const DoubleTensor& b) {
  const auto of = [](const DoubleTensor& x, const Index& index) {
    Index own(index.end() - static_cast<std::ptrdiff_t>(x.shape.size()), index.end());
    for (std::size_t axis = 0; axis < own.size(); ++axis) {
      if (x.shape[axis] == 1) own[axis] = 0;
    }
    return at(x, own);
  };
  return filled(shape, [&](const Index& index) { return of(a, index) + of(b, index); });
}

DoubleTensor transpose(const Shape& shape, const DoubleTensor& x, const Index& axes) {
  return filled(shape, [&](const Index& index) {
    Index from(index.size());
    for (std::size_t i = 0; i < axes.size(); ++i) from[static_cast<std::size_t>(axes[i])] = index[i];
    return at(x, from);
  });
}

DoubleTensor slice(const Shape& shape, const DoubleTensor& x, const Attributes& attributes) {
  const auto axis = static_cast<std::size_t>(attributes.integer("axis"));
  return filled(shape, [&](Index index) {
    index[axis] += attributes.integer("begin");
    return at(x, index);
  });
}

double gelu(double x) {
  return x / 2 * (1 + std::erf(x / std::numbers::sqrt2));
}

DoubleTensor compute(const Node& node, const Shape& shape, std::span<const DoubleTensor> inputs) {
  const Attributes& attributes = node.attributes;
  const DoubleTensor& x = inputs[0];
  switch (node.op) {
    case Op::kConvolution:
      return convolution(shape, inputs, attributes.list("padding"));
    case Op::kInstanceNormRelu:
      return instance_norm_relu(x, attributes.real("epsilon"));
    case Op::kMaxPool:
      return max_pool(shape, x, attributes.integer("size"));
    case Op::kUpsample:
      return upsample(shape, x, attributes.integer("factor"));
    case Op::kConcat:
      return concat(shape, x, inputs[1], attributes.integer("axis"));
    case Op::kFlatten:
    case Op::kReshape:
      return {shape, x.values};
    case Op::kDropout:
      return x;
    case Op::kLinear:
      return linear(shape, inputs);
    case Op::kMatMulTransposed:
      return matmul_transposed(shape, x, inputs[1]);
    case Op::kLayerNorm:
      return layer_norm(inputs, attributes.real("epsilon"));
    case Op::kRelu:
      return mapped(x, [](double value) { return std::max(value, 0.0); });
    case Op::kGelu:
      return mapped(x, gelu);
    case Op::kAdd:
      return add(shape, x, inputs[1]);
    case Op::kTranspose:
      return transpose(shape, x, attributes.list("axes"));
    case Op::kSlice:
      return slice(shape, x, attributes);
    case Op::kAttention:
      return attention(shape, inputs, attributes.integer("heads"));
    case Op::kWindowAttention:
      return window_attention(shape, inputs, attributes);
  }
  throw Error(ErrorCode::kInternal, "an operation without a definition");
}

}  // namespace

std::vector<DoubleTensor> evaluate_graph(const Graph& graph,
                                         const std::map<std::string, DoubleTensor>& parameters,
                                         std::span<const DoubleTensor> inputs) {
  std::vector<DoubleTensor> values(graph.values());
  const auto of = [&values](Value value) -> DoubleTensor& {
    return values[static_cast<std::size_t>(value.index)];
  };
  for (std::size_t i = 0; i < inputs.size(); ++i) of(graph.inputs()[i].value) = inputs[i];
  for (const NamedValue& parameter : graph.parameters())
    of(parameter.value) = {graph.shape(parameter.value), parameters.at(parameter.name).values};
  const auto last_uses = graph.last_uses();
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    std::vector<DoubleTensor> taken;
    std::vector<Shape> shapes;
    for (const Value input : node.inputs) {
      taken.push_back(of(input));
      shapes.push_back(taken.back().shape);
    }
    // With the inputs' real shapes, where the graph's may be open.
    of(node.result) = compute(node, result_shape(node.op, shapes, node.attributes), taken);
    for (const Value value : last_uses[i]) of(value) = {};
  }
  std::vector<DoubleTensor> outputs;
  for (const Value output : graph.outputs()) outputs.push_back(of(output));
  return outputs;
}

}  // namespace medlsam
