#include "base/simd.hpp"
#include "runtimes/cpu/loops.hpp"
#include "runtimes/cpu/plain_operators.hpp"

namespace medlsam::cpu {
namespace {

std::int64_t product(const Shape& shape, std::size_t begin, std::size_t end) {
  return static_cast<std::int64_t>(shape_elements(std::span(shape).subspan(begin, end - begin)));
}

// Chunks of `length` values: number i is at from + i·from_step and goes to to + i·to_step.
void copy_chunks(const float* from, std::int64_t from_step, float* to, std::int64_t to_step,
                 std::int64_t length, std::int64_t chunks, const Task& task) {
  if (length >= kPiece) {
    for (std::int64_t i = 0; i < chunks; ++i) copy(from + i * from_step, to + i * to_step, length, task);
    return;
  }
  in_rows(task, chunks, length, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      std::memcpy(to + i * to_step, from + i * from_step, static_cast<std::size_t>(length) * sizeof(float));
  });
}

// A slice or one of two joined parts: outer × (extent along the axis × inner).
struct Cut {
  std::int64_t outer, inner;
  Cut(const Shape& shape, std::size_t axis)
      : outer(product(shape, 0, axis)), inner(product(shape, axis + 1, shape.size())) {}
};

std::size_t axis_of(const Node& node) {
  return static_cast<std::size_t>(node.attributes.integer("axis"));
}

// A transposition with as few axes as can be. In the order of the result: its extents, and the steps in
// the source.
struct Transposition {
  std::vector<std::int64_t> extents, steps;

  Transposition(const Shape& x, const std::vector<std::int64_t>& axes) {
    std::vector<std::int64_t> step(x.size(), 1);
    for (std::size_t axis = x.size(); axis-- > 1;) step[axis - 1] = step[axis] * x[axis];
    for (const std::int64_t each : axes) {
      const auto axis = static_cast<std::size_t>(each);
      if (x[axis] == 1) continue;
      // The axis before it in the result is before it in the source, too: they are one.
      if (!steps.empty() && steps.back() == step[axis] * x[axis]) {
        extents.back() *= x[axis];
        steps.back() = step[axis];
      } else {
        extents.push_back(x[axis]);
        steps.push_back(step[axis]);
      }
    }
    if (extents.empty()) {
      extents.push_back(1);
      steps.push_back(1);
    }
  }

  // Where the row of the result begins, along its last axis.
  std::int64_t begin(std::int64_t row) const {
    std::int64_t offset = 0;
    for (std::size_t axis = extents.size() - 1; axis-- > 0;) {
      offset += row % extents[axis] * steps[axis];
      row /= extents[axis];
    }
    return offset;
  }

  // How many of the last axes have few values together.
  std::size_t short_axes() const {
    constexpr std::int64_t kFewValues = 1024;
    std::size_t count = 0;
    std::int64_t values = 1;
    while (count < extents.size() && values * extents[extents.size() - count - 1] <= kFewValues)
      values *= extents[extents.size() - ++count];
    return count;
  }

  // Where the values of the last `inner` axes are, from the first of them.
  std::vector<std::int64_t> offsets(std::size_t inner) const {
    std::vector<std::int64_t> found{0};
    for (std::size_t axis = extents.size() - inner; axis < extents.size(); ++axis) {
      std::vector<std::int64_t> finer;
      for (const std::int64_t offset : found)
        for (std::int64_t i = 0; i < extents[axis]; ++i) finer.push_back(offset + i * steps[axis]);
      found = std::move(finer);
    }
    return found;
  }
};

// `rows` rows of the result, which are next to each other in the source (row r begins at from + r), along a
// last axis of large steps: in squares, so that cache lines of both are used while they are there.
MEDLSAM_INLINE void transpose_rows(const float* from, std::int64_t step, std::int64_t length, float* to,
                                   std::int64_t rows) {
  constexpr std::int64_t kSquare = 16;
  for (std::int64_t first = 0; first < length; first += kSquare) {
    const std::int64_t end = std::min(length, first + kSquare);
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t i = first; i < end; ++i) to[row * length + i] = from[i * step + row];
    }
  }
}

// Values of the result, `offsets.size()` at a time, whose places in the source are as far from each other
// each time: for transpositions that leave no long rows.
void run_by_offsets(const Transposition& how, std::size_t inner, const Operands& operands, const Task& task) {
  const std::vector<std::int64_t> offsets = how.offsets(inner);
  Transposition outer = how;
  outer.extents.resize(how.extents.size() - inner);
  outer.steps.resize(outer.extents.size());
  outer.extents.push_back(1);
  outer.steps.push_back(1);
  std::int64_t blocks = 1;
  for (const std::int64_t extent : outer.extents) blocks *= extent;
  const auto length = static_cast<std::int64_t>(offsets.size());
  const float* x = operands.input(0);
  float* out = operands.result();
  in_rows(task, blocks, length, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t block = begin; block < end; ++block) {
      const float* const from = x + outer.begin(block);
      for (std::int64_t i = 0; i < length; ++i)
        out[block * length + i] = from[offsets[static_cast<std::size_t>(i)]];
    }
  });
}

void run_transposition(const Transposition& how, const Operands& operands, const Task& task) {
  constexpr std::int64_t kRowsAtOnce = 16, kShortRow = 16;
  const std::int64_t length = how.extents.back(), step = how.steps.back();
  std::int64_t rows = 1;
  for (std::size_t axis = 0; axis + 1 < how.extents.size(); ++axis) rows *= how.extents[axis];
  const float* x = operands.input(0);
  float* out = operands.result();
  if (const std::size_t inner = how.short_axes(); inner > 1 && length < kShortRow)
    return run_by_offsets(how, inner, operands, task);
  if (step == 1) {
    in_rows(task, rows, length, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row)
        std::memcpy(out + row * length, x + how.begin(row), static_cast<std::size_t>(length) * sizeof(float));
    });
    return;
  }
  // Rows along the axis before the last are next to each other in the source if that axis has step 1.
  const bool is_flat = how.extents.size() > 1 && how.steps[how.steps.size() - 2] == 1;
  const std::int64_t group = is_flat ? how.extents[how.extents.size() - 2] : 1;
  const std::int64_t blocks = (group + kRowsAtOnce - 1) / kRowsAtOnce;
  in_rows(task, rows / group * blocks, std::min(group, kRowsAtOnce) * length,
          [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t block = begin; block < end; ++block) {
              const std::int64_t inside = block % blocks * kRowsAtOnce, row = block / blocks * group + inside;
              run_simd<transpose_rows>(x + how.begin(row), step, length, out + row * length,
                                       std::min(kRowsAtOnce, group - inside));
            }
          });
}

}  // namespace

std::optional<std::size_t> view_all(const Node&, const OperatorShapes&) {
  return 0;
}

std::optional<std::size_t> view_slice(const Node& node, const OperatorShapes& shapes) {
  const Cut cut(shapes.inputs[0], axis_of(node));
  if (cut.outer != 1) return std::nullopt;
  return static_cast<std::size_t>(node.attributes.integer("begin") * cut.inner) * sizeof(float);
}

Step plan_slice(const Node& node, const OperatorShapes& shapes, const Computing&) {
  const std::size_t axis = axis_of(node);
  const Cut cut(shapes.inputs[0], axis);
  const std::int64_t whole = shapes.inputs[0][axis] * cut.inner, part = shapes.results[0][axis] * cut.inner;
  const std::int64_t offset = node.attributes.integer("begin") * cut.inner;
  return {[=](const Operands& operands, const Task& task) {
    copy_chunks(operands.input(0) + offset, whole, operands.result(), part, part, cut.outer, task);
  }};
}

Step plan_concat(const Node& node, const OperatorShapes& shapes, const Computing&) {
  const std::size_t axis = axis_of(node);
  const Cut cut(shapes.inputs[0], axis);
  const std::int64_t a = shapes.inputs[0][axis] * cut.inner, b = shapes.inputs[1][axis] * cut.inner;
  return {[=](const Operands& operands, const Task& task) {
    copy_chunks(operands.input(0), a, operands.result(), a + b, a, cut.outer, task);
    copy_chunks(operands.input(1), b, operands.result() + a, a + b, b, cut.outer, task);
  }};
}

Step plan_transpose(const Node& node, const OperatorShapes& shapes, const Computing&) {
  const Transposition how(shapes.inputs[0], node.attributes.list("axes"));
  return {[how](const Operands& operands, const Task& task) { run_transposition(how, operands, task); }};
}

}  // namespace medlsam::cpu
