#include "torch/aten/attention.hpp"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

namespace medlsam::torch {
namespace {

using at::Tensor;

// (n, tokens, width) → (n, heads, tokens, width of a head)
Tensor split_heads(const Tensor& x, std::int64_t heads) {
  return x.reshape({x.size(0), x.size(1), heads, -1}).transpose(1, 2);
}

// (2·extent − 1, dim) → (extent, extent, dim): row (p, k) is the entry of a query at p and a key at k.
Tensor relative_rows(const Tensor& table, std::int64_t extent) {
  const Tensor position = at::arange(extent, table.options().dtype(at::kLong));
  const Tensor index = position.unsqueeze(1) - position.unsqueeze(0) + (extent - 1);
  // Unlike index_select's, its gradient is the same on every run on a GPU as well.
  return table.index({index.flatten()}).reshape({extent, extent, table.size(1)});
}

// Row (y, x) of h·w tokens has 1 at y, then 1 at h + x.
Tensor place_of_token(std::int64_t h, std::int64_t w, const at::TensorOptions& options) {
  const Tensor rows = at::eye(h, options).unsqueeze(1).expand({h, w, h});
  const Tensor columns = at::eye(w, options).unsqueeze(0).expand({h, w, w});
  return at::cat({rows, columns}, -1).reshape({h * w, h + w});
}

// Whether the fused kernels of a GPU, which nothing differentiates through here, may be called by name.
bool is_fused(const Tensor& q) {
  return !q.is_cpu() && !at::GradMode::is_enabled();
}

// Attention without added terms on a kernel of a GPU; the score's factor is `scale`.
Tensor attend_fused(const Tensor& q, const Tensor& k, const Tensor& v, double scale, AttentionKernel kernel) {
  if (kernel == AttentionKernel::kFlash && q.scalar_type() != at::kFloat && q.size(3) <= 256) {
    const std::int64_t width = (q.size(3) + 7) / 8 * 8;
    const auto widen = [&](const Tensor& x) { return at::constant_pad_nd(x, {0, width - x.size(3)}); };
    const auto found =
        at::_scaled_dot_product_flash_attention(widen(q), widen(k), widen(v), 0.0, false, false, scale);
    return std::get<0>(found).slice(3, 0, v.size(3));
  }
  return std::get<0>(at::_scaled_dot_product_efficient_attention(q, k, v, {}, false, 0.0, false, scale));
}

// The kernel wants rows of terms that begin at whole 16 bytes.
Tensor attend_with_terms(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& terms) {
  const std::int64_t tokens = terms.size(3), padding = (tokens + 7) / 8 * 8 - tokens;
  const Tensor aligned = at::constant_pad_nd(terms, {0, padding}).slice(3, 0, tokens);
  return std::get<0>(at::_scaled_dot_product_efficient_attention(q, k, v, aligned, false));
}

// q, k, v (n, heads, h·w, dim) → the same.
Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, const RelativeScores& relative,
              const GpuChoices& gpu) {
  if (is_fused(q) && gpu.attention != AttentionKernel::kBias)
    return attend_extended(q, k, v, relative, gpu.attention);
  const auto n = q.size(0), heads = q.size(1), tokens = q.size(2);
  const auto rows = relative.down.unsqueeze(-1), columns = relative.across.unsqueeze(-2);
  if (!at::GradMode::is_enabled()) {
    const Tensor terms = (rows + columns).reshape({n, heads, tokens, tokens});
    if (is_fused(q)) return attend_with_terms(q, k, v, terms);
    return at::scaled_dot_product_attention(q, k, v, terms);
  }
  // No fused kernel differentiates through the added scores, and ATen's fallback searches for rows without
  // any key on every call.
  const double scale = 1 / std::sqrt(static_cast<double>(q.size(3)));
  const auto h = relative.down.size(-1), w = relative.across.size(-1);
  const Tensor scores = at::matmul(q * scale, k.transpose(-1, -2)).reshape({n, heads, h, w, h, w}) + rows;
  scores.add_(columns);
  return at::matmul(at::softmax(scores.reshape({n, heads, tokens, tokens}), -1), v);
}

// (n, h, w, c) → (n·windows, window², c), h and w multiples of the window.
Tensor to_windows(const Tensor& x, std::int64_t window) {
  const auto n = x.size(0), h = x.size(1) / window, w = x.size(2) / window, c = x.size(3);
  return x.reshape({n, h, window, w, window, c}).transpose(2, 3).reshape({n * h * w, window * window, c});
}

Tensor from_windows(const Tensor& x, std::int64_t window, std::int64_t n, std::int64_t h, std::int64_t w) {
  const Tensor parts = x.reshape({n, h / window, w / window, window, window, x.size(2)});
  return parts.transpose(2, 3).reshape({n, h, w, x.size(2)});
}

}  // namespace

RelativeScores::RelativeScores(const Tensor& q, const Tensor& vertical, const Tensor& horizontal,
                               std::int64_t h, std::int64_t w) {
  const Tensor grid = q.reshape({q.size(0), q.size(1), h, w, q.size(3)});
  down = at::einsum("nhyxc,ykc->nhyxk", {grid, relative_rows(vertical, h)});
  across = at::einsum("nhyxc,xkc->nhyxk", {grid, relative_rows(horizontal, w)});
}

Tensor attend_extended(const Tensor& q, const Tensor& k, const Tensor& v, const RelativeScores& relative,
                       AttentionKernel kernel) {
  const auto n = q.size(0), heads = q.size(1), tokens = q.size(2);
  const auto h = relative.down.size(-1), w = relative.across.size(-1);
  const double scale = 1 / std::sqrt(static_cast<double>(q.size(3)));
  const Tensor down = relative.down.reshape({n, heads, tokens, h});
  const Tensor across = relative.across.reshape({n, heads, tokens, w});
  // Kernels load rows of whole 16 bytes.
  const std::int64_t width = q.size(3) + h + w, padding = (width + 7) / 8 * 8 - width;
  const Tensor queries = at::constant_pad_nd(at::cat({q * scale, down, across}, -1), {0, padding});
  const Tensor place = place_of_token(h, w, k.options()).expand({n, heads, tokens, h + w});
  const Tensor keys = at::constant_pad_nd(at::cat({k, place}, -1), {0, padding});
  if (!q.is_cpu()) return attend_fused(queries, keys, v, 1, kernel);
  const Tensor values = at::constant_pad_nd(v, {0, keys.size(3) - v.size(3)});
  return at::scaled_dot_product_attention(queries, keys, values, {}, 0, false, 1).slice(3, 0, v.size(3));
}

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads,
                 const GpuChoices& gpu) {
  const std::int64_t n = std::max({q.size(0), k.size(0), v.size(0)});
  const auto rows = [&](const Tensor& x) { return split_heads(x, heads).expand({n, -1, -1, -1}); };
  const Tensor own_q = rows(q), own_k = rows(k), own_v = rows(v);
  const double scale = 1 / std::sqrt(static_cast<double>(own_q.size(3)));
  const Tensor seen = is_fused(q) ? attend_fused(own_q, own_k, own_v, scale, gpu.attention)
                                  : at::scaled_dot_product_attention(own_q, own_k, own_v);
  return seen.transpose(1, 2).reshape({n, q.size(1), v.size(2)});
}

Tensor window_attention(const Tensor& qkv, const Tensor& bias, const Tensor& vertical,
                        const Tensor& horizontal, std::int64_t heads, std::int64_t window,
                        const GpuChoices& gpu, const Check& check) {
  const auto n = qkv.size(0), h = qkv.size(1), w = qkv.size(2), width = qkv.size(3) / 3;
  const bool global = window == 0;
  const std::int64_t edge_h = global ? h : window, edge_w = global ? w : window;
  const std::int64_t padded_h = (h + edge_h - 1) / edge_h * edge_h,
                     padded_w = (w + edge_w - 1) / edge_w * edge_w;
  const Tensor padded = at::constant_pad_nd(qkv, {0, 0, 0, padded_w - w, 0, padded_h - h}) + bias;
  const Tensor tokens = global ? padded.reshape({n, h * w, 3 * width}) : to_windows(padded, window);
  const auto parts = tokens.chunk(3, -1);
  const Tensor q = split_heads(parts[0], heads), k = split_heads(parts[1], heads),
               v = split_heads(parts[2], heads);

  // The scores of all heads of a global block of ViT-B would take 800 MB: one head at a time, where there are
  // such matrices.
  std::vector<Tensor> seen;
  const bool has_scores = !is_fused(q) || gpu.attention == AttentionKernel::kBias;
  const std::int64_t step = global && has_scores ? 1 : heads;
  for (std::int64_t head = 0; head < heads; head += step) {
    check();
    const Tensor some = q.slice(1, head, head + step);
    seen.push_back(attend(some, k.slice(1, head, head + step), v.slice(1, head, head + step),
                          RelativeScores(some, vertical, horizontal, edge_h, edge_w), gpu));
  }
  const Tensor joined = at::cat(seen, 1).transpose(1, 2).reshape({tokens.size(0), tokens.size(1), width});
  if (global) return joined.reshape({n, h, w, width});
  return from_windows(joined, window, n, padded_h, padded_w).slice(1, 0, h).slice(2, 0, w);
}

}  // namespace medlsam::torch
