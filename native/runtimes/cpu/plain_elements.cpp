#include <vector>

#include "base/simd.hpp"
#include "kernels/elements.hpp"
#include "runtimes/cpu/loops.hpp"
#include "runtimes/cpu/plain_operators.hpp"

namespace medlsam::cpu {
namespace {

MEDLSAM_INLINE void relu(const float* x, float* out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = x[i] > 0 ? x[i] : 0;
}

// One of the two may be one value for all, which `step` 0 says.
MEDLSAM_INLINE void add(const float* a, std::int64_t a_step, const float* b, std::int64_t b_step, float* out,
                        std::int64_t count) {
  if (a_step == 1 && b_step == 1) {
    for (std::int64_t i = 0; i < count; ++i) out[i] = a[i] + b[i];
  } else {
    const float* row = a_step == 1 ? a : b;
    const float value = a_step == 1 ? *b : *a;
    for (std::int64_t i = 0; i < count; ++i) out[i] = row[i] + value;
  }
}

// Two shapes that are broadcast against each other, as few axes as can be: axes next to each other that
// both have, or that one lacks, are one. `a` and `b` are steps in values; 0 along what an operand lacks.
struct Broadcast {
  struct Axis {
    std::int64_t extent, a, b;
  };
  std::vector<Axis> axes;

  Broadcast(const Shape& a, const Shape& b, const Shape& result) {
    const auto extent = [&](const Shape& shape, std::size_t axis) {
      const std::size_t missing = result.size() - shape.size();
      return axis < missing ? 1 : shape[axis - missing];
    };
    std::int64_t a_step = 1, b_step = 1;
    for (std::size_t axis = result.size(); axis-- > 0;) {
      const std::int64_t ours = result[axis], in_a = extent(a, axis), in_b = extent(b, axis);
      if (ours == 1) continue;
      const Axis found = {ours, in_a == 1 ? 0 : a_step, in_b == 1 ? 0 : b_step};
      const bool joins =
          !axes.empty() && (axes.back().a == 0) == (found.a == 0) && (axes.back().b == 0) == (found.b == 0);
      if (joins)
        axes.back().extent *= ours;
      else
        axes.push_back(found);
      a_step *= in_a;
      b_step *= in_b;
    }
    if (axes.empty()) axes.push_back({1, 1, 1});
    std::reverse(axes.begin(), axes.end());
  }

  // Where row `row`, along the last axis, begins in the two.
  void begin(std::int64_t row, std::int64_t& in_a, std::int64_t& in_b) const {
    in_a = in_b = 0;
    for (std::size_t axis = axes.size() - 1; axis-- > 0;) {
      const std::int64_t index = row % axes[axis].extent;
      row /= axes[axis].extent;
      in_a += index * axes[axis].a;
      in_b += index * axes[axis].b;
    }
  }
};

}  // namespace

Step plan_relu(const Node&, const OperatorShapes& shapes, const Computing&) {
  const auto count = static_cast<std::int64_t>(shape_elements(shapes.results[0]));
  return {[count](const Operands& operands, const Task& task) {
    in_pieces(task, count, kPiece, [&](std::int64_t begin, std::int64_t end) {
      run_simd<relu>(operands.input(0) + begin, operands.result() + begin, end - begin);
    });
  }};
}

Step plan_gelu(const Node&, const OperatorShapes& shapes, const Computing&) {
  const auto count = static_cast<std::int64_t>(shape_elements(shapes.results[0]));
  return {[count](const Operands& operands, const Task& task) {
    gelu(task, operands.input(0), count, operands.result());
  }};
}

Step plan_add(const Node&, const OperatorShapes& shapes, const Computing&) {
  const Broadcast broadcast(shapes.inputs[0], shapes.inputs[1], shapes.results[0]);
  const auto count = static_cast<std::int64_t>(shape_elements(shapes.results[0]));
  if (broadcast.axes.size() == 1) {
    return {[axis = broadcast.axes[0], count](const Operands& operands, const Task& task) {
      in_pieces(task, count, kPiece, [&](std::int64_t begin, std::int64_t end) {
        run_simd<add>(operands.input(0) + begin * axis.a, axis.a, operands.input(1) + begin * axis.b, axis.b,
                      operands.result() + begin, end - begin);
      });
    }};
  }
  return {[broadcast, count](const Operands& operands, const Task& task) {
    const Broadcast::Axis last = broadcast.axes.back();
    in_rows(task, count / last.extent, last.extent, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        std::int64_t in_a = 0, in_b = 0;
        broadcast.begin(row, in_a, in_b);
        run_simd<add>(operands.input(0) + in_a, last.a, operands.input(1) + in_b, last.b,
                      operands.result() + row * last.extent, last.extent);
      }
    });
  }};
}

Step plan_layer_norm(const Node& node, const OperatorShapes& shapes, const Computing&) {
  const std::int64_t length = shapes.inputs[0].back();
  const std::int64_t rows = static_cast<std::int64_t>(shape_elements(shapes.inputs[0])) / length;
  const auto epsilon = static_cast<float>(node.attributes.real("epsilon"));
  return {[=](const Operands& operands, const Task& task) {
    layer_norm(task, operands.input(0), rows, length, {operands.input(1), operands.input(2), epsilon},
               operands.result());
  }};
}

}  // namespace medlsam::cpu
