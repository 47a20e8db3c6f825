#include "base/simd.hpp"
#include "kernels/gemm.hpp"
#include "runtimes/cpu/loops.hpp"
#include "runtimes/cpu/panel_product.hpp"
#include "runtimes/cpu/plain_operators.hpp"

namespace medlsam::cpu {
namespace {

// Rows from which on it pays to pack the weight.
constexpr std::int64_t kFewRows = 4;
constexpr std::int64_t kRowsAtOnce = 512;  // that share a packed panel

// x (rows, depth), weight (columns, depth), maybe bias (columns) → x·weightᵀ (rows, columns)
struct Product {
  std::int64_t rows, columns, depth;

  std::size_t scratch(unsigned threads) const {
    if (rows < kFewRows) return 0;
    return static_cast<std::size_t>(threads * depth * kPanel) * sizeof(float);
  }
};

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

// Columns [begin, end) one by one: the weight is read once and not written again.
MEDLSAM_INLINE void few_rows(const Product& product, const float* x, const float* weight, const float* bias,
                             std::int64_t begin, std::int64_t end, float* out) {
  for (std::int64_t column = begin; column < end; ++column) {
    for (std::int64_t row = 0; row < product.rows; ++row) {
      const float sum = dot(x + row * product.depth, weight + column * product.depth, product.depth);
      out[row * product.columns + column] = bias == nullptr ? sum : sum + bias[column];
    }
  }
}

// Rows of the weight as columns of a panel; columns that it lacks are zeros.
MEDLSAM_INLINE void pack(const float* weight, std::int64_t columns, std::int64_t depth, float* panel) {
  for (std::int64_t k = 0; k < depth; ++k) {
    for (std::int64_t i = 0; i < columns; ++i) panel[k * kPanel + i] = weight[i * depth + k];
    for (std::int64_t i = columns; i < kPanel; ++i) panel[k * kPanel + i] = 0;
  }
}

void multiply(const Product& product, const float* x, const float* weight, const float* bias, float* out,
              std::byte* scratch, const Task& task) {
  const std::int64_t depth = product.depth;
  if (product.rows < kFewRows) {
    in_rows(task, product.columns, product.rows * depth, [&](std::int64_t begin, std::int64_t end) {
      run_simd<few_rows>(product, x, weight, bias, begin, end, out);
    });
    return;
  }
  const std::int64_t panels = (product.columns + kPanel - 1) / kPanel;
  const std::int64_t blocks = (product.rows + kRowsAtOnce - 1) / kRowsAtOnce;
  parallel_for(task, static_cast<std::size_t>(panels * blocks), [&](std::size_t index, std::size_t worker) {
    const auto item = static_cast<std::int64_t>(index);
    const std::int64_t first = item / blocks * kPanel, row = item % blocks * kRowsAtOnce;
    const std::int64_t columns = std::min(kPanel, product.columns - first);
    float* panel = reinterpret_cast<float*>(scratch) + static_cast<std::int64_t>(worker) * depth * kPanel;
    run_simd<pack>(weight + first * depth, columns, depth, panel);
    run_simd(PanelProduct{.a = x + row * depth,
                          .rows = std::min(kRowsAtOnce, product.rows - row),
                          .depth = depth,
                          .b = panel,
                          .out = out + row * product.columns + first,
                          .stride = product.columns,
                          .columns = columns,
                          .column_bias = bias == nullptr ? nullptr : bias + first});
  });
}

}  // namespace

Step plan_linear(const Node& node, const OperatorShapes& shapes, unsigned threads) {
  const std::int64_t depth = shapes.inputs[1][1], columns = shapes.inputs[1][0];
  const Product product = {static_cast<std::int64_t>(shape_elements(shapes.inputs[0])) / depth, columns,
                           depth};
  const bool has_bias = node.inputs.size() > 2;
  Step step;
  step.scratch = product.scratch(threads);
  step.run = [=](const Operands& operands, const Task& task) {
    multiply(product, operands.input(0), operands.input(1), has_bias ? operands.input(2) : nullptr,
             operands.result(), operands.scratch, task);
  };
  return step;
}

Step plan_matmul_transposed(const Node&, const OperatorShapes& shapes, unsigned) {
  const Shape &a = shapes.inputs[0], &b = shapes.inputs[1];
  const std::int64_t batch = shapes.results[0][0], depth = a[2];
  const MatrixBatch of_a = {nullptr, a[1], a[0] == 1 ? 0 : a[1] * depth, depth};
  const MatrixBatch of_b = {nullptr, b[1], b[0] == 1 ? 0 : b[1] * depth, depth};
  return {[=](const Operands& operands, const Task& task) {
    MatrixBatch left = of_a, right = of_b;
    left.data = operands.input(0);
    right.data = operands.input(1);
    multiply_transposed(task, batch, depth, left, right, operands.result());
  }};
}

}  // namespace medlsam::cpu
