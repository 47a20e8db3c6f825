// SAM's attention over ATen, differentiable; networks/graph.hpp has the shapes.
#pragma once

#include <ATen/ATen.h>

#include <functional>

namespace medlsam::torch {

// Called between parts of the work; throws kAborted once the caller has cancelled.
using Check = std::function<void()>;

at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t heads);
at::Tensor window_attention(const at::Tensor& qkv, const at::Tensor& bias, const at::Tensor& vertical,
                            const at::Tensor& horizontal, std::int64_t heads, std::int64_t window,
                            const Check& check);

}  // namespace medlsam::torch
