// SAM's image encoder (algorithm.md 6.2; Kirillov et al., Segment Anything, 2023), written once over `Ops`: a
// vision transformer whose blocks attend within windows, but for a few that see the whole slice.
#pragma once

#include <string>

#include "networks/sam_weights.hpp"

namespace medlsam {

// An Ops has weight, concat and linear as in medlam.hpp, linear over the last axis of any rank, and:
//   Tensor linear(Tensor x, Tensor weight)                        without bias
//   Tensor conv2d(Tensor x, Tensor weight, int padding)           without bias
//   Tensor layer_norm(Tensor x, Tensor weight, Tensor bias, float epsilon)
//   Tensor relu(Tensor x)
//   Tensor gelu(Tensor x)                                         exact, not by tanh
//   Tensor add(Tensor a, Tensor b)                                broadcasting
//   Tensor reshape(Tensor x, vector<int64_t> shape)               0 keeps an extent, −1 is the rest
//   Tensor transpose(Tensor x, vector<int64_t> axes)
//   Tensor slice(Tensor x, int axis, int64_t begin, int64_t end)
//   Tensor matmul_transposed(Tensor a, Tensor b)                  a·bᵀ of the last two axes
//   Tensor attention(Tensor q, Tensor k, Tensor v, int heads)
//     (n, tokens, width) each; an n of 1 serves all.
//   Tensor window_attention(Tensor qkv, Tensor bias, Tensor vertical, Tensor horizontal, int heads,
//                           int window)
//     qkv (n, h, w, 3·width) without its bias → (n, h, w, width). The grid is cut into windows, padded
//     with zeros *before* the bias; relative positions are decomposed into the tables of the two axes,
//     (2·extent − 1, width of a head). Window 0: one window, the grid.
template <class Ops>
class SamEncoder {
 public:
  using Tensor = typename Ops::Tensor;

  SamEncoder(Ops& ops, const SamWeights& weights) : ops_(ops), weights_(weights) {}

  // Gray slices (n, 1, S, S), values 0 … 255 → embeddings (n, channels, S/patch, S/patch).
  Tensor operator()(Tensor slices) {
    const std::int64_t grid = weights_.grid(), patch = weights_.patch();
    Tensor x = ops_.reshape(slices, {-1, grid, patch, grid, patch});
    x = ops_.reshape(ops_.transpose(x, {0, 1, 3, 2, 4}), {-1, grid, grid, patch * patch});
    x = ops_.linear(x, parameter("folded.patch.weight"), parameter("folded.patch.bias"));
    x = ops_.add(x, parameter("image_encoder.pos_embed"));
    for (int i = 0; i < weights_.depth(); ++i) x = block(x, i);
    return neck(x);
  }

 private:
  Tensor parameter(const std::string& name) { return ops_.weight(name, weights_.at(name)); }

  Tensor linear(Tensor x, const std::string& name) {
    return ops_.linear(x, parameter(name + ".weight"), parameter(name + ".bias"));
  }

  Tensor norm(Tensor x, const std::string& name) {
    return ops_.layer_norm(x, parameter(name + ".weight"), parameter(name + ".bias"), 1e-6f);
  }

  Tensor block(Tensor x, int index) {
    const std::string name = "image_encoder.blocks." + std::to_string(index) + '.',
                      attention = name + "attn.";
    // The bias joins in the attention, so that padding is never multiplied.
    const Tensor qkv = ops_.linear(norm(x, name + "norm1"), parameter(attention + "qkv.weight"));
    const Tensor seen =
        ops_.window_attention(qkv, parameter(attention + "qkv.bias"), parameter(attention + "rel_pos_h"),
                              parameter(attention + "rel_pos_w"), weights_.heads(), weights_.window(index));
    x = ops_.add(x, linear(seen, attention + "proj"));
    const Tensor hidden = ops_.gelu(linear(norm(x, name + "norm2"), name + "mlp.lin1"));
    return ops_.add(x, linear(hidden, name + "mlp.lin2"));
  }

  Tensor neck(Tensor x) {
    TensorView narrow = weights_.at("image_encoder.neck.0.weight");
    narrow.shape.resize(2);  // a convolution of 1×1
    x = norm(ops_.linear(x, ops_.weight("image_encoder.neck.0.weight", narrow)), "image_encoder.neck.1");
    x = ops_.conv2d(ops_.transpose(x, {0, 3, 1, 2}), parameter("image_encoder.neck.2.weight"), 1);
    return ops_.transpose(norm(ops_.transpose(x, {0, 2, 3, 1}), "image_encoder.neck.3"), {0, 3, 1, 2});
  }

  Ops& ops_;
  const SamWeights& weights_;
};

}  // namespace medlsam
