// Products of matrices with what comes before and after them in a transformer: linear maps whose input may be
// normalized or added to while it is read, and whose output gets bias, activation and residual before it is
// stored.
//
// Float32 sums are taken from the first term to the last with one accumulator (fused multiply-adds on AVX2
// and AVX-512), however the work is cut: the same bytes for any number of threads and any place of a row in
// its matrix. NaN and infinity propagate as in the plain formula.
#pragma once

#include <cstdint>

#include "base/aligned_memory.hpp"
#include "base/task.hpp"

namespace medlsam {

// Of the factors of a product. Sums, and everything around the product, are float32 always.
enum class Precision : std::uint8_t {
  kFloat32,
  kBfloat16,  // rounded to nearest even; where simd_has_bfloat16() alone. Subnormal numbers are zeros.
  // Weights as fit_integers() has them; inputs rounded to 16 bits, with a scale for each row. Sums are exact.
  // A row with NaN or infinity gives NaN. Where simd_has_integer_pairs() alone.
  kIntegers,
};

enum class Activation : std::uint8_t {
  kNone,
  kRelu,
  kGelu,  // x·Φ(x) to 2e-7 of max(1, |x|)
};

// The matrix of a linear map, (out, in), in the order in which its kernel reads it: about as large as it was
// in float32, half as large in bfloat16 (`out` is rounded up to the panel of the instruction set, 8 to 32).
class PackedWeights {
 public:
  PackedWeights() = default;
  // `weight`: out rows of `in` values, `stride` floats apart. It is not needed any more afterwards. Throws
  // kBadArgument where the processor lacks the precision, weights do not fit it, or an extent is not
  // positive.
  PackedWeights(const float* weight, std::int64_t out, std::int64_t in, std::int64_t stride,
                Precision precision = Precision::kFloat32);

  std::int64_t out() const { return out_; }
  std::int64_t in() const { return in_; }
  Precision precision() const { return precision_; }
  // For the kernels: panels of columns (gemm_block.hpp), (words of the depth, width of a panel) each.
  const float* panels() const { return panels_.data(); }
  // Factors of the sums of each column, zeros after the last one; null but for kIntegers.
  const float* scales() const { return scales_.data(); }

 private:
  std::int64_t out_ = 0, in_ = 0;
  Precision precision_ = Precision::kFloat32;
  AlignedFloats panels_, scales_;
};

// Whether the weights are integers of 8 bits (−127 … 127) with a scale for each of the `out` rows, as those
// of int8 checkpoints are, and no sum of 16-bit inputs can exceed 32 bits.
bool fit_integers(const float* weight, std::int64_t out, std::int64_t in, std::int64_t stride);

// Layer norm over the last axis, with one weight and bias a feature.
struct LayerNorm {
  const float *weight = nullptr, *bias = nullptr;
  float epsilon = 0;
};

// A matrix that is added to another row by row: row r gets row r % rows of this one, so that a batch can
// share it.
struct AddedRows {
  const float* data = nullptr;  // null: nothing is added
  std::int64_t rows = 0, stride = 0;
};

struct LinearInput {
  const float* data = nullptr;  // (rows, in), rows `stride` floats apart
  std::int64_t rows = 0, stride = 0;
  AddedRows added = {};             // before the norm
  const LayerNorm* norm = nullptr;  // null: none
};

struct LinearOutput {
  float* data = nullptr;  // (rows, out), rows `stride` floats apart; must not overlap the input
  std::int64_t stride = 0;
  const float* bias = nullptr;  // (out); null: none
  Activation activation = Activation::kNone;
  AddedRows residual = {};  // added last; may be `data` itself, which then is added to
};

// out = activation(norm(input + added)·weightsᵀ + bias) + residual, on up to task.threads threads.
void linear(const Task& task, const LinearInput& input, const PackedWeights& weights,
            const LinearOutput& output);

// A batch of matrices, `step` floats from one to the next (0: one serves the whole batch), their rows
// `stride` floats apart.
struct MatrixBatch {
  const float* data = nullptr;
  std::int64_t rows = 0, step = 0, stride = 0;
};

// out (batch, a.rows, b.rows) = a·bᵀ, dense, for a and b of `depth` ≥ 1 columns, on up to task.threads
// threads.
void multiply_transposed(const Task& task, std::int64_t batch, std::int64_t depth, const MatrixBatch& a,
                         const MatrixBatch& b, float* out);

}  // namespace medlsam
