// SAM's attention over ATen, differentiable; networks/graph.hpp has the shapes.
#pragma once

#include <ATen/ATen.h>

#include <functional>

#include "torch/aten/gpu_choices.hpp"

namespace medlsam::torch {

// Called between parts of the work; throws kAborted once the caller has cancelled.
using Check = std::function<void()>;

// The choices are those for a GPU that differentiates nothing; elsewhere they change nothing.
at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t heads,
                     const GpuChoices& gpu);
at::Tensor window_attention(const at::Tensor& qkv, const at::Tensor& bias, const at::Tensor& vertical,
                            const at::Tensor& horizontal, std::int64_t heads, std::int64_t window,
                            const GpuChoices& gpu, const Check& check);

// Terms that decomposed relative positions add to the scores of queries on a grid of h·w tokens: to all keys
// of a row (n, heads, h, w, h), and of a column (n, heads, h, w, w).
struct RelativeScores {
  at::Tensor down, across;

  // q (n, heads, h·w, dim); tables (2·extent − 1, dim).
  RelativeScores(const at::Tensor& q, const at::Tensor& vertical, const at::Tensor& horizontal,
                 std::int64_t h, std::int64_t w);
};

// softmax(q·kᵀ/√dim + terms)·v of q, k, v (n, heads, h·w, dim) without a matrix of scores: the terms are
// further elements of the queries, which the keys of their row and column select.
at::Tensor attend_extended(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const RelativeScores& relative, AttentionKernel kernel);

}  // namespace medlsam::torch
