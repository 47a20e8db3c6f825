// SAM's mask decoder and the mask part of its prompt encoder, written once over `Ops` (sam_encoder.hpp).
// Pixels stay rows and channels columns throughout: a transposed convolution of stride 2 is then a linear map
// from a pixel to the four it becomes, and the four are put in their places only when one channel, the mask,
// is left.
#pragma once

#include <string>
#include <vector>

#include "networks/sam_weights.hpp"

namespace medlsam {

inline constexpr int kSamDecoderHeads = 8;  // in every published SAM; no tensor tells it

template <class Ops>
class SamDecoder {
 public:
  using Tensor = typename Ops::Tensor;

  SamDecoder(Ops& ops, const SamWeights& weights) : ops_(ops), weights_(weights) {}

  // embedding (1, channels, h, w), tokens (b, t, channels) of prompt_tokens, dense (b or 1, channels, h or 1,
  // w or 1) → logits (b, m, 4h, 4w) and predicted IoUs (b, m): m is 1 for the single mask, else the other
  // mask tokens.
  std::vector<Tensor> operator()(Tensor embedding, Tensor tokens, Tensor dense, bool multimask) {
    const std::int64_t grid = weights_.grid(), channels = weights_.channels();
    // While the dense prompt is the same for all, so is the image: one row until the prompts have been seen.
    const Tensor image = ops_.reshape(ops_.add(embedding, dense), {0, channels, grid * grid});
    State state = transformer({tokens, ops_.transpose(image, {0, 2, 1})});

    const int first = multimask ? 1 : 0, last = multimask ? weights_.mask_tokens() : 1;
    Tensor ious = mlp(token(state.tokens, 0), "mask_decoder.iou_prediction_head");
    ious = ops_.slice(ops_.reshape(ious, {0, weights_.mask_tokens()}), 1, first, last);
    Tensor kernels = kernel(state.tokens, first);
    for (int i = first + 1; i < last; ++i) kernels = ops_.concat(kernels, kernel(state.tokens, i));
    // Pixels in the order (row, column, half row, half column, quarter row, quarter column).
    Tensor logits = ops_.matmul_transposed(kernels, upscale(state.image));
    logits = ops_.transpose(ops_.reshape(logits, {0, last - first, grid, grid, 2, 2, 2, 2}),
                            {0, 1, 2, 4, 6, 3, 5, 7});
    return {ops_.reshape(logits, {0, last - first, 4 * grid, 4 * grid}), ious};
  }

  // Mask prompts, logits (b, 1, 4h, 4w) → dense (b, channels, h, w).
  Tensor mask_prompt(Tensor masks) {
    const std::int64_t grid = weights_.grid();
    const std::string name = "prompt_encoder.mask_downscaling.";
    Tensor x = ops_.transpose(ops_.reshape(masks, {-1, grid, 2, 2, grid, 2, 2}), {0, 1, 4, 2, 5, 3, 6});
    x = ops_.reshape(x, {-1, grid * grid, 4, 4});
    x = ops_.linear(x, matrix(name + "0.weight"), parameter(name + "0.bias"));
    x = ops_.reshape(ops_.gelu(norm(x, name + "1", 1e-6f)), {0, grid * grid, -1});
    x = ops_.linear(x, parameter("folded.downscale.3.weight"), parameter(name + "3.bias"));
    x = ops_.gelu(norm(x, name + "4", 1e-6f));
    x = ops_.linear(x, matrix(name + "6.weight"), parameter(name + "6.bias"));
    return ops_.reshape(ops_.transpose(x, {0, 2, 1}), {0, weights_.channels(), grid, grid});
  }

 private:
  struct State {
    Tensor tokens, image;  // (b, t, channels), (b or 1, pixels, channels)
  };

  Tensor parameter(const std::string& name) { return ops_.weight(name, weights_.at(name)); }

  // A convolution's weight as the matrix (out, everything else).
  Tensor matrix(const std::string& name) {
    TensorView view = weights_.at(name);
    const auto columns = static_cast<std::int64_t>(view.elements()) / view.shape[0];
    view.shape = {view.shape[0], columns};
    return ops_.weight(name, view);
  }

  Tensor linear(Tensor x, const std::string& name) {
    return ops_.linear(x, parameter(name + ".weight"), parameter(name + ".bias"));
  }

  Tensor norm(Tensor x, const std::string& name, float epsilon = 1e-5f) {
    return ops_.layer_norm(x, parameter(name + ".weight"), parameter(name + ".bias"), epsilon);
  }

  Tensor attention(Tensor q, Tensor k, Tensor v, const std::string& name) {
    return linear(ops_.attention(linear(q, name + ".q_proj"), linear(k, name + ".k_proj"),
                                 linear(v, name + ".v_proj"), kSamDecoderHeads),
                  name + ".out_proj");
  }

  // Tokens look at each other and at the image, then the image at the tokens; twice. Where they look from and
  // at, the tokens as they came and the positions of the pixels are added.
  State transformer(State state) {
    const Tensor came = state.tokens;
    const Tensor positions = parameter("folded.positions");
    for (int i = 0; i < weights_.decoder_depth(); ++i) {
      const std::string name = "mask_decoder.transformer.layers." + std::to_string(i) + '.';
      auto& [tokens, image] = state;
      // The first layer has nothing yet to add to.
      const Tensor looking = i == 0 ? tokens : ops_.add(tokens, came);
      const Tensor seen = attention(looking, looking, tokens, name + "self_attn");
      tokens = norm(i == 0 ? seen : ops_.add(tokens, seen), name + "norm1");

      const Tensor placed = ops_.add(image, positions);
      const Tensor found =
          attention(ops_.add(tokens, came), placed, image, name + "cross_attn_token_to_image");
      tokens = norm(ops_.add(tokens, found), name + "norm2");

      const Tensor hidden = ops_.relu(linear(tokens, name + "mlp.lin1"));
      tokens = norm(ops_.add(tokens, linear(hidden, name + "mlp.lin2")), name + "norm3");

      const Tensor told =
          attention(placed, ops_.add(tokens, came), tokens, name + "cross_attn_image_to_token");
      image = norm(ops_.add(image, told), name + "norm4");
    }
    const Tensor found = attention(ops_.add(state.tokens, came), ops_.add(state.image, positions),
                                   state.image, "mask_decoder.transformer.final_attn_token_to_image");
    state.tokens = norm(ops_.add(state.tokens, found), "mask_decoder.transformer.norm_final_attn");
    return state;
  }

  Tensor token(Tensor tokens, int index) { return ops_.slice(tokens, 1, index, index + 1); }

  // Three linear maps: (b, 1, channels) → (b, 1, out).
  Tensor mlp(Tensor x, const std::string& name) {
    x = ops_.relu(linear(x, name + ".layers.0"));
    x = ops_.relu(linear(x, name + ".layers.1"));
    return linear(x, name + ".layers.2");
  }

  // What a mask token makes of a pixel.
  Tensor kernel(Tensor tokens, int mask) {
    return mlp(token(tokens, 1 + mask), "mask_decoder.output_hypernetworks_mlps." + std::to_string(mask));
  }

  // (b, pixels, channels) → (b, 16·pixels, few channels)
  Tensor upscale(Tensor x) {
    const std::int64_t pixels = std::int64_t{weights_.grid()} * weights_.grid();
    x = ops_.reshape(linear(x, "folded.upscale.0"), {0, 4 * pixels, -1});
    x = ops_.gelu(norm(x, "mask_decoder.output_upscaling.1", 1e-6f));
    return ops_.gelu(ops_.reshape(linear(x, "folded.upscale.3"), {0, 16 * pixels, -1}));
  }

  Ops& ops_;
  const SamWeights& weights_;
};

}  // namespace medlsam
