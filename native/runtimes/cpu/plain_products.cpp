#include <algorithm>

#include "base/simd.hpp"
#include "kernels/gemm.hpp"
#include "kernels/transpose.hpp"
#include "runtimes/cpu/loops.hpp"
#include "runtimes/cpu/plain_operators.hpp"

namespace medlsam::cpu {
namespace {

// Rows up to which a product is bound by reading the other matrix: bringing that into the kernel's order
// first would cost more than the product.
constexpr std::int64_t kFewRows = 3;

// Depths up to which columns are summed side by side: longer ones fill vectors by themselves.
constexpr std::int64_t kShortDepth = 64;

MEDLSAM_INLINE float dot(const float* a, const float* b, std::int64_t count) {
  constexpr std::int64_t kSums = 32;
  float sums[kSums] = {};
  std::int64_t i = 0;
  for (; i + kSums <= count; i += kSums) {
    for (std::int64_t j = 0; j < kSums; ++j) sums[j] += a[i + j] * b[i + j];
  }
  for (; i < count; ++i) sums[0] += a[i] * b[i];
  float total = 0;
  for (const float each : sums) total += each;
  return total;
}

// Columns [begin, end) of the product of few rows and a matrix's transpose, dense.
struct FewRows {
  const MatrixBatch& a;
  const float* b;
  std::int64_t depth, columns, begin, end;
  float* out;

  template <int kLanes>
  MEDLSAM_INLINE void operator()(Lanes<kLanes>) const {
    if (depth <= kShortDepth) return side_by_side<kLanes>();
    for (std::int64_t column = begin; column < end; ++column) {
      for (std::int64_t row = 0; row < a.rows; ++row)
        out[row * columns + column] = dot(a.data + row * depth, b + column * depth, depth);
    }
  }

  template <int kLanes>
  MEDLSAM_INLINE void side_by_side() const {
    using Vector = typename FloatLanes<kLanes>::Vector;
    alignas(64) float turned[kShortDepth * kLanes];
    for (std::int64_t column = begin; column < end; column += kLanes) {
      const auto some = static_cast<int>(std::min<std::int64_t>(kLanes, end - column));
      const auto row = [&](int i) __attribute__((always_inline)) {
        return b + (column + std::min(i, some - 1)) * depth;
      };
      registers::transpose_columns<kLanes>(row, depth, turned, kLanes);
      for (std::int64_t r = 0; r < a.rows; ++r) {
        Vector sum{}, value;
        for (std::int64_t k = 0; k < depth; ++k) {
          __builtin_memcpy(&value, turned + k * kLanes, sizeof value);
          sum += a.data[r * depth + k] * value;
        }
        float* const to = out + r * columns + column;
        if (some == kLanes) {
          __builtin_memcpy(to, &sum, sizeof sum);
        } else {
          for (int i = 0; i < some; ++i) to[i] = sum[i];
        }
      }
    }
  }
};

void multiply(const Task& task, std::int64_t batch, std::int64_t depth, const MatrixBatch& a,
              const MatrixBatch& b, float* out) {
  if (a.rows > kFewRows) return multiply_transposed(task, batch, depth, a, b, out);
  for (std::int64_t n = 0; n < batch; ++n) {
    const MatrixBatch one = {a.data + n * a.step, a.rows, 0, a.stride};
    in_rows(task, b.rows, a.rows * depth, [&](std::int64_t begin, std::int64_t end) {
      run_simd(FewRows{one, b.data + n * b.step, depth, b.rows, begin, end, out + n * a.rows * b.rows});
    });
  }
}

MEDLSAM_INLINE void add_to_rows(const float* bias, std::int64_t count, std::int64_t columns, float* rows) {
  for (std::int64_t row = 0; row < count; ++row) {
    for (std::int64_t i = 0; i < columns; ++i) rows[row * columns + i] += bias[i];
  }
}

}  // namespace

Step plan_linear(const Node& node, const OperatorShapes& shapes, const Computing&) {
  const std::int64_t depth = shapes.inputs[1][1], columns = shapes.inputs[1][0];
  const std::int64_t rows = static_cast<std::int64_t>(shape_elements(shapes.inputs[0])) / depth;
  const bool has_bias = node.inputs.size() > 2;
  return {[=](const Operands& operands, const Task& task) {
    float* out = operands.result();
    multiply(task, 1, depth, {operands.input(0), rows, 0, depth}, {operands.input(1), columns, 0, depth},
             out);
    if (!has_bias) return;
    in_rows(task, rows, columns, [&](std::int64_t begin, std::int64_t end) {
      run_simd<add_to_rows>(operands.input(2), end - begin, columns, out + begin * columns);
    });
  }};
}

Step plan_matmul_transposed(const Node&, const OperatorShapes& shapes, const Computing&) {
  const Shape &a = shapes.inputs[0], &b = shapes.inputs[1];
  const std::int64_t batch = shapes.results[0][0], depth = a[2];
  const MatrixBatch rows = {nullptr, a[1], a[0] == 1 ? 0 : a[1] * depth, depth};
  const MatrixBatch columns = {nullptr, b[1], b[0] == 1 ? 0 : b[1] * depth, depth};
  return {[=](const Operands& operands, const Task& task) {
    MatrixBatch left = rows, right = columns;
    left.data = operands.input(0);
    right.data = operands.input(1);
    multiply(task, batch, depth, left, right, operands.result());
  }};
}

}  // namespace medlsam::cpu
