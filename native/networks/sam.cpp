#include "networks/sam.hpp"

#include <string>
#include <vector>

namespace medlsam {
namespace {

constexpr float kEncoderEpsilon = 1e-6f;  // also of the norms that SAM applies to images
constexpr float kDecoderEpsilon = 1e-5f;

// Records layers under the names of their official weights, for all parts.
class Recorder {
 public:
  explicit Recorder(const SamWeights& weights) : weights_(weights) {}

  Graph take() { return std::move(graph_); }

 protected:
  Value parameter(const std::string& name) { return graph_.parameter(name, weights_.at(name).shape); }

  // A convolution's weight as the matrix (out, everything else).
  Value matrix(const std::string& name) {
    const TensorView& view = weights_.at(name);
    return graph_.parameter(name,
                            {view.shape[0], static_cast<std::int64_t>(view.elements()) / view.shape[0]});
  }

  Value linear(Value x, const std::string& name) {
    const Value weight = parameter(name + ".weight"), bias = parameter(name + ".bias");
    return graph_.linear(x, weight, bias);
  }

  Value norm(Value x, const std::string& name, float epsilon) {
    const Value weight = parameter(name + ".weight"), bias = parameter(name + ".bias");
    return graph_.layer_norm(x, weight, bias, epsilon);
  }

  Graph graph_;
  const SamWeights& weights_;
};

class Encoder : public Recorder {
 public:
  explicit Encoder(const SamWeights& weights) : Recorder(weights) {
    const std::int64_t size = weights.image_size(), grid = weights.grid(), patch = weights.patch();
    Value x = graph_.input("slices", {kAnyExtent, 1, size, size});
    x = graph_.reshape(x, {-1, grid, patch, grid, patch});
    x = graph_.reshape(graph_.transpose(x, {0, 1, 3, 2, 4}), {-1, grid, grid, patch * patch});
    x = linear(x, "folded.patch");
    x = graph_.add(x, parameter("image_encoder.pos_embed"));
    for (int i = 0; i < weights.depth(); ++i) x = block(x, i);
    graph_.output(neck(x));
  }

 private:
  Value block(Value x, int index) {
    const std::string name = "image_encoder.blocks." + std::to_string(index) + '.',
                      attention = name + "attn.";
    // The bias joins in the attention, so that padding is never multiplied.
    const Value normed = norm(x, name + "norm1", kEncoderEpsilon);
    const Value qkv = graph_.linear(normed, parameter(attention + "qkv.weight"));
    const Value bias = parameter(attention + "qkv.bias");
    const Value vertical = parameter(attention + "rel_pos_h"),
                horizontal = parameter(attention + "rel_pos_w");
    const Value seen =
        graph_.window_attention(qkv, bias, vertical, horizontal, weights_.heads(), weights_.window(index));
    x = graph_.add(x, linear(seen, attention + "proj"));
    const Value inner = linear(norm(x, name + "norm2", kEncoderEpsilon), name + "mlp.lin1");
    return graph_.add(x, linear(graph_.gelu(inner), name + "mlp.lin2"));
  }

  Value neck(Value x) {
    const std::string name = "image_encoder.neck.";
    x = norm(graph_.linear(x, matrix(name + "0.weight")), name + "1", kEncoderEpsilon);
    x = graph_.convolution(graph_.transpose(x, {0, 3, 1, 2}), parameter(name + "2.weight"), 1);
    x = norm(graph_.transpose(x, {0, 2, 3, 1}), name + "3", kEncoderEpsilon);
    return graph_.transpose(x, {0, 3, 1, 2});
  }
};

class MaskPrompt : public Recorder {
 public:
  explicit MaskPrompt(const SamWeights& weights) : Recorder(weights) {
    const std::int64_t grid = weights.grid();
    const std::string name = "prompt_encoder.mask_downscaling.";
    Value x = graph_.input("masks", {kAnyExtent, 1, 4 * grid, 4 * grid});
    x = graph_.transpose(graph_.reshape(x, {-1, grid, 2, 2, grid, 2, 2}), {0, 1, 4, 2, 5, 3, 6});
    x = graph_.reshape(x, {-1, grid * grid, 4, 4});
    x = convolved(x, matrix(name + "0.weight"), name + "0.bias");
    x = graph_.reshape(graph_.gelu(norm(x, name + "1", kEncoderEpsilon)), {0, grid * grid, -1});
    x = convolved(x, parameter("folded.downscale.3.weight"), name + "3.bias");
    x = graph_.gelu(norm(x, name + "4", kEncoderEpsilon));
    x = convolved(x, matrix(name + "6.weight"), name + "6.bias");
    graph_.output(graph_.reshape(graph_.transpose(x, {0, 2, 1}), {0, weights.channels(), grid, grid}));
  }

 private:
  Value convolved(Value x, Value weight, const std::string& bias) {
    return graph_.linear(x, weight, parameter(bias));
  }
};

// Pixels stay rows and channels columns throughout: a transposed convolution of stride 2 is then a linear map
// from a pixel to the four it becomes, and the four are put in their places only when one channel, the mask,
// is left.
class Decoder : public Recorder {
 public:
  Decoder(const SamWeights& weights, bool multimask, std::int64_t embeddings) : Recorder(weights) {
    const std::int64_t grid = weights.grid(), channels = weights.channels();
    const Value embedding = graph_.input("embedding", {embeddings, channels, grid, grid});
    const Value tokens = graph_.input("tokens", {kAnyExtent, kAnyExtent, channels});
    const Value dense = graph_.input("dense", {kAnyExtent, channels, kAnyExtent, kAnyExtent});
    // While the dense prompt is the same for all, so is the image: one row until the prompts have been seen.
    const Value image = graph_.reshape(graph_.add(embedding, dense), {0, channels, grid * grid});
    const State state = transformer({tokens, graph_.transpose(image, {0, 2, 1})});

    const int first = multimask ? 1 : 0, last = multimask ? weights.mask_tokens() : 1;
    Value ious = mlp(token(state.tokens, 0), "mask_decoder.iou_prediction_head");
    ious = graph_.slice(graph_.reshape(ious, {0, weights.mask_tokens()}), 1, first, last);
    Value kernels = kernel(state.tokens, first);
    for (int i = first + 1; i < last; ++i) kernels = graph_.concat(kernels, kernel(state.tokens, i), 1);
    // Pixels in the order (row, column, half row, half column, quarter row, quarter column).
    Value logits = graph_.matmul_transposed(kernels, upscale(state.image));
    logits = graph_.transpose(graph_.reshape(logits, {0, last - first, grid, grid, 2, 2, 2, 2}),
                              {0, 1, 2, 4, 6, 3, 5, 7});
    graph_.output(graph_.reshape(logits, {0, last - first, 4 * grid, 4 * grid}));
    graph_.output(ious);
  }

 private:
  struct State {
    Value tokens, image;  // (b, t, channels), (b or 1, pixels, channels)
  };

  Value norm(Value x, const std::string& name) { return Recorder::norm(x, name, kDecoderEpsilon); }

  Value attention(Value q, Value k, Value v, const std::string& name) {
    // In this order: that of the sums of gradients, and so the last bits of a training, follow from it.
    v = linear(v, name + ".v_proj");
    k = linear(k, name + ".k_proj");
    q = linear(q, name + ".q_proj");
    return linear(graph_.attention(q, k, v, kSamDecoderHeads), name + ".out_proj");
  }

  // Tokens look at each other and at the image, then the image at the tokens; twice. Where they look from and
  // at, the tokens as they came and the positions of the pixels are added.
  State transformer(State state) {
    const Value came = state.tokens;
    const Value positions = parameter("folded.positions");
    for (int i = 0; i < weights_.decoder_depth(); ++i) {
      const std::string name = "mask_decoder.transformer.layers." + std::to_string(i) + '.';
      auto& [tokens, image] = state;
      // The first layer has nothing yet to add to.
      const Value looking = i == 0 ? tokens : graph_.add(tokens, came);
      const Value seen = attention(looking, looking, tokens, name + "self_attn");
      tokens = norm(i == 0 ? seen : graph_.add(tokens, seen), name + "norm1");

      const Value placed = graph_.add(image, positions);
      const Value found =
          attention(graph_.add(tokens, came), placed, image, name + "cross_attn_token_to_image");
      tokens = norm(graph_.add(tokens, found), name + "norm2");

      const Value inner = graph_.relu(linear(tokens, name + "mlp.lin1"));
      tokens = norm(graph_.add(tokens, linear(inner, name + "mlp.lin2")), name + "norm3");

      const Value answer =
          attention(placed, graph_.add(tokens, came), tokens, name + "cross_attn_image_to_token");
      image = norm(graph_.add(image, answer), name + "norm4");
    }
    const Value placed = graph_.add(state.image, positions), looking = graph_.add(state.tokens, came);
    const Value found =
        attention(looking, placed, state.image, "mask_decoder.transformer.final_attn_token_to_image");
    state.tokens = norm(graph_.add(state.tokens, found), "mask_decoder.transformer.norm_final_attn");
    return state;
  }

  Value token(Value tokens, int index) { return graph_.slice(tokens, 1, index, index + 1); }

  // Three linear maps: (b, 1, channels) → (b, 1, out).
  Value mlp(Value x, const std::string& name) {
    x = graph_.relu(linear(x, name + ".layers.0"));
    x = graph_.relu(linear(x, name + ".layers.1"));
    return linear(x, name + ".layers.2");
  }

  // The mask token's output kernel, whose product with a pixel is its logit.
  Value kernel(Value tokens, int mask) {
    return mlp(token(tokens, 1 + mask), "mask_decoder.output_hypernetworks_mlps." + std::to_string(mask));
  }

  // (b, pixels, channels) → (b, 16·pixels, few channels)
  Value upscale(Value x) {
    const std::int64_t pixels = std::int64_t{weights_.grid()} * weights_.grid();
    x = graph_.reshape(linear(x, "folded.upscale.0"), {0, 4 * pixels, -1});
    x = graph_.gelu(Recorder::norm(x, "mask_decoder.output_upscaling.1", kEncoderEpsilon));
    return graph_.gelu(graph_.reshape(linear(x, "folded.upscale.3"), {0, 16 * pixels, -1}));
  }
};

}  // namespace

Graph sam_graph(const SamWeights& weights, SamPart part, std::int64_t embeddings) {
  if (part == SamPart::kEncoder) return Encoder(weights).take();
  if (part == SamPart::kMaskPrompt) return MaskPrompt(weights).take();
  return Decoder(weights, part == SamPart::kMultimaskDecoder, embeddings).take();
}

}  // namespace medlsam
