// Linear maps along one axis of an array: resampling, prefiltering and smoothing are banded matrices, applied
// to every line of the array at once.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace medlsam {

struct AxisOperator {
  // Row o: output o = Σ_i weights[begin[o] + i] · input[first[o] + i].
  std::vector<std::int64_t> first;
  std::vector<std::int64_t> begin = {0};  // one more than rows
  std::vector<float> weights;

  std::int64_t rows() const { return static_cast<std::int64_t>(first.size()); }

  // Appends the row with these weights over the whole input, without ends of weights below `negligible`.
  void add_row(std::span<const double> row, double negligible);
};

// out (rows × width) = op · in (inputs × width). `stride` ≥ width: distance between rows, in both.
void apply_operator(const AxisOperator& op, const float* in, float* out, std::int64_t width,
                    std::int64_t stride);

// out (columns × rows) = inᵀ, both contiguous. In: float or std::uint8_t.
template <class In>
void transpose(const In* in, std::int64_t rows, std::int64_t columns, float* out);

}  // namespace medlsam
