#include "networks/graph_shapes.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "networks/graph_signatures.hpp"

namespace medlsam {
namespace {

bool is_known(std::int64_t extent) {
  return extent != kAnyExtent;
}

// Whether two extents may turn out to be the same.
bool may_equal(std::int64_t a, std::int64_t b) {
  return a == b || !is_known(a) || !is_known(b);
}

std::int64_t broadcast(std::int64_t a, std::int64_t b) {
  if (a == 1) return b;
  if (b == 1) return a;
  expect(may_equal(a, b), "extents differ and neither is 1");
  return is_known(a) ? a : b;
}

void expect_rank(const Shape& shape, std::size_t rank, const char* what) {
  expect(shape.size() == rank, what);
}

// The product of the extents that are known; nullopt if it does not fit 63 bits.
std::int64_t known_product(const Shape& shape) {
  Shape known;
  std::copy_if(shape.begin(), shape.end(), std::back_inserter(known), is_known);
  const auto product = checked_elements(known);
  expect(product.has_value(), "there are too many elements");
  return static_cast<std::int64_t>(*product);
}

std::size_t axis_of(const Attributes& attributes, const Shape& shape) {
  const std::int64_t axis = attributes.integer("axis");
  expect(axis >= 0 && static_cast<std::size_t>(axis) < shape.size(), "there is no such axis");
  return static_cast<std::size_t>(axis);
}

void expect_vector(const Shape& shape, std::int64_t extent, const char* what) {
  expect(shape.size() == 1 && may_equal(shape[0], extent), what);
}

Shape convolution(std::span<const Shape> inputs, const Attributes& attributes) {
  const Shape &x = inputs[0], &weight = inputs[1];
  const auto& padding = attributes.list("padding");
  expect(x.size() == weight.size() && (x.size() == 4 || x.size() == 5), "two or three axes are convolved");
  expect(padding.size() == x.size() - 2, "the padding is of another rank");
  expect(may_equal(x[1], weight[1]), "the channels differ");
  if (inputs.size() > 2) expect_vector(inputs[2], weight[0], "the bias is not one number per channel");
  Shape result = {x[0], weight[0]};
  for (std::size_t i = 0; i < padding.size(); ++i) {
    expect(padding[i] >= 0, "the padding is negative");
    const std::int64_t extent = x[i + 2];
    result.push_back(is_known(extent) ? extent + 2 * padding[i] - weight[i + 2] + 1 : kAnyExtent);
    expect(!is_known(extent) || result.back() > 0, "the kernel is larger than the image");
  }
  return result;
}

Shape scaled(Shape x, const Attributes& attributes, const char* name, bool up) {
  expect_rank(x, 5, "x has not the axes n, c, z, y, x");
  const std::int64_t by = attributes.integer(name);
  expect(by > 0 && by <= 1024, "the size is out of range");
  for (std::size_t axis = 2; axis < x.size(); ++axis) {
    if (is_known(x[axis])) x[axis] = up ? x[axis] * by : x[axis] / by;
    expect(x[axis] != 0, "nothing is left of an axis");
  }
  return x;
}

Shape concat(const Shape& a, const Shape& b, const Attributes& attributes) {
  expect(a.size() == b.size(), "the ranks differ");
  const std::size_t axis = axis_of(attributes, a);
  Shape result = a;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (i == axis) continue;
    expect(may_equal(a[i], b[i]), "extents of other axes differ");
    if (!is_known(a[i])) result[i] = b[i];
  }
  result[axis] = is_known(a[axis]) && is_known(b[axis]) ? a[axis] + b[axis] : kAnyExtent;
  return result;
}

Shape flatten(const Shape& x) {
  expect(!x.empty(), "x has no axes");
  const Shape inner(x.begin() + 1, x.end());
  const bool known = std::all_of(inner.begin(), inner.end(), is_known);
  return {x[0], known ? known_product(inner) : kAnyExtent};
}

Shape linear(std::span<const Shape> inputs) {
  const Shape &x = inputs[0], &weight = inputs[1];
  expect_rank(weight, 2, "the weight is not a matrix");
  expect(!x.empty() && may_equal(x.back(), weight[1]), "the weight's columns are not x's last axis");
  if (inputs.size() > 2)
    expect_vector(inputs[2], weight[0], "the bias is not one number per row of the weight");
  Shape result = x;
  result.back() = weight[0];
  return result;
}

Shape matmul_transposed(const Shape& a, const Shape& b) {
  expect(a.size() == 3 && b.size() == 3 && may_equal(a[2], b[2]), "the last axes differ");
  return {broadcast(a[0], b[0]), a[1], b[1]};
}

Shape layer_norm(std::span<const Shape> inputs) {
  expect(!inputs[0].empty(), "x has no axes");
  expect_vector(inputs[1], inputs[0].back(), "the weight is not one number per channel");
  expect_vector(inputs[2], inputs[0].back(), "the bias is not one number per channel");
  return inputs[0];
}

Shape add(const Shape& a, const Shape& b) {
  const Shape &longer = a.size() >= b.size() ? a : b, &shorter = a.size() >= b.size() ? b : a;
  Shape result = longer;
  const std::size_t ahead = longer.size() - shorter.size();
  for (std::size_t i = 0; i < shorter.size(); ++i)
    result[ahead + i] = broadcast(longer[ahead + i], shorter[i]);
  return result;
}

Shape reshape(const Shape& x, const Attributes& attributes) {
  Shape result = attributes.list("shape");
  Shape source = x;  // without what is kept
  std::optional<std::size_t> rest;
  std::int64_t named = 1;
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (result[i] == 0) {
      expect(i < x.size(), "an axis is kept that x does not have");
      result[i] = x[i];
      source[i] = 1;
    } else if (result[i] == kAnyExtent) {
      expect(!rest.has_value(), "two axes are to be the rest");
      rest = i;
    } else {
      expect(result[i] > 0 && !__builtin_mul_overflow(named, result[i], &named), "an extent is out of range");
    }
  }
  const std::int64_t known = known_product(source);
  const bool all_known = std::all_of(source.begin(), source.end(), is_known);
  if (!rest) {
    expect(!all_known || known == named, "the number of elements changes");
  } else if (all_known) {
    expect(known % named == 0, "the number of elements changes");
    result[*rest] = known / named;
  }
  return result;
}

Shape transpose(const Shape& x, const Attributes& attributes) {
  const auto& axes = attributes.list("axes");
  std::vector<std::int64_t> sorted = axes;
  std::sort(sorted.begin(), sorted.end());
  expect(axes.size() == x.size(), "the axes are not those of x");
  Shape result;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    expect(sorted[i] == static_cast<std::int64_t>(i), "the axes are not those of x");
    result.push_back(x[static_cast<std::size_t>(axes[i])]);
  }
  return result;
}

Shape slice(Shape x, const Attributes& attributes) {
  const std::size_t axis = axis_of(attributes, x);
  const std::int64_t begin = attributes.integer("begin"), end = attributes.integer("end");
  expect(begin >= 0 && begin < end && (!is_known(x[axis]) || end <= x[axis]), "the part is outside the axis");
  x[axis] = end - begin;
  return x;
}

Shape attention(std::span<const Shape> inputs, const Attributes& attributes) {
  const Shape &q = inputs[0], &k = inputs[1], &v = inputs[2];
  expect(q.size() == 3 && k.size() == 3 && v.size() == 3, "q, k and v are not (n, tokens, width)");
  expect(k == v && q[2] == k[2] && is_known(q[2]), "the tokens or widths differ");
  const std::int64_t heads = attributes.integer("heads");
  expect(heads > 0 && q[2] % heads == 0, "the heads do not divide the width");
  return {broadcast(q[0], k[0]), q[1], q[2]};
}

Shape window_attention(std::span<const Shape> inputs, const Attributes& attributes) {
  const Shape& qkv = inputs[0];
  expect_rank(qkv, 4, "qkv is not (n, h, w, 3·width)");
  expect(is_known(qkv[1]) && is_known(qkv[2]) && is_known(qkv[3]), "the grid is not known");
  const std::int64_t heads = attributes.integer("heads"), window = attributes.integer("window");
  expect(heads > 0 && qkv[3] % (3 * heads) == 0, "the heads do not divide the width");
  expect(window >= 0, "the window is negative");
  const std::int64_t width = qkv[3] / 3;
  expect_vector(inputs[1], 3 * width, "the bias is not one number per channel");
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const std::int64_t extent = window == 0 ? qkv[1 + axis] : window;
    expect(inputs[2 + axis] == Shape{2 * extent - 1, width / heads},
           "a table is not (2·extent − 1, width of a head)");
  }
  return {qkv[0], qkv[1], qkv[2], width};
}

Shape shape_of(Op op, std::span<const Shape> inputs, const Attributes& attributes) {
  switch (op) {
    case Op::kConvolution:
      return convolution(inputs, attributes);
    case Op::kInstanceNormRelu:
      expect_rank(inputs[0], 5, "x has not the axes n, c, z, y, x");
      return inputs[0];
    case Op::kMaxPool:
      return scaled(inputs[0], attributes, "size", false);
    case Op::kUpsample:
      return scaled(inputs[0], attributes, "factor", true);
    case Op::kConcat:
      return concat(inputs[0], inputs[1], attributes);
    case Op::kFlatten:
      return flatten(inputs[0]);
    case Op::kLinear:
      return linear(inputs);
    case Op::kMatMulTransposed:
      return matmul_transposed(inputs[0], inputs[1]);
    case Op::kLayerNorm:
      return layer_norm(inputs);
    case Op::kDropout:
    case Op::kRelu:
    case Op::kGelu:
      return inputs[0];
    case Op::kAdd:
      return add(inputs[0], inputs[1]);
    case Op::kReshape:
      return reshape(inputs[0], attributes);
    case Op::kTranspose:
      return transpose(inputs[0], attributes);
    case Op::kSlice:
      return slice(inputs[0], attributes);
    case Op::kAttention:
      return attention(inputs, attributes);
    case Op::kWindowAttention:
      return window_attention(inputs, attributes);
  }
  throw Misfit{"there is no such operation"};
}

}  // namespace

Shape result_shape(Op op, std::span<const Shape> inputs, const Attributes& attributes) {
  try {
    check_signature(op, inputs.size(), attributes);
    return shape_of(op, inputs, attributes);
  } catch (const Misfit& misfit) {
    std::string shapes;
    for (const Shape& shape : inputs) shapes += (shapes.empty() ? "" : ", ") + shape_text(shape);
    throw Error(ErrorCode::kInternal, std::string("A network's graph: ") + op_name(op) + " of " + shapes +
                                          ": " + misfit.what + '.');
  }
}

bool shape_fits(const Shape& declared, const Shape& found) {
  return std::equal(declared.begin(), declared.end(), found.begin(), found.end(), may_equal);
}

}  // namespace medlsam
