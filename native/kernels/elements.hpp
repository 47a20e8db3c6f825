// Layer norm and GELU where no matrix product takes them in (gemm.hpp): the same arithmetic, value for value.
// Loops are cut by the sizes alone: the same bytes for any number of threads. NaN stays where it is (a row
// with one, for the norm).
#pragma once

#include <cstdint>

#include "base/task.hpp"
#include "kernels/gemm.hpp"

namespace medlsam {

// x (rows, length), dense → out, of the same shape, which may be x.
void layer_norm(const Task& task, const float* x, std::int64_t rows, std::int64_t length,
                const LayerNorm& norm, float* out);

// x·Φ(x) of `count` values to 2e-7 of max(1, |x|), into out, which may be x.
void gelu(const Task& task, const float* x, std::int64_t count, float* out);

}  // namespace medlsam
