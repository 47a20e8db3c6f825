#include "torch/training/sam_initial_weights.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <span>
#include <string>

#include "base/error.hpp"
#include "networks/sam_weights.hpp"
#include "training_data/random.hpp"

namespace medlsam::training {
namespace {

constexpr std::uint64_t kStream = 0x73616d77;  // "samw"
constexpr std::int64_t kDecoderLayers = 2, kMaskTokens = 4, kMaskChannels = 16;

using Shape = std::vector<std::int64_t>;

void require(bool good, const std::string& what) {
  if (!good) throw Error(ErrorCode::kBadArgument, what);
}

void check(const SamSizes& sizes) {
  require(sizes.image_size % sizes.patch == 0 && sizes.image_size <= 8192,
          "A slice of " + std::to_string(sizes.image_size) +
              " pixels: give a multiple of the patch size, at most 8192.");
  require(sizes.width % sizes.heads == 0, "A width of " + std::to_string(sizes.width) +
                                              " does not divide into " + std::to_string(sizes.heads) +
                                              " heads.");
  require(sizes.channels % (2 * kSamDecoderHeads) == 0,
          "An embedding of " + std::to_string(sizes.channels) + " channels: give a multiple of " +
              std::to_string(2 * kSamDecoderHeads) + ", which the mask decoder's heads divide.");
  for (const int block : sizes.global_blocks) {
    require(block >= 0 && block < sizes.depth, "There is no block " + std::to_string(block) +
                                                   " to see the whole slice: blocks are 0 to " +
                                                   std::to_string(sizes.depth - 1) + '.');
  }
}

class Builder {
 public:
  Builder(const SamSizes& sizes, std::uint64_t seed) : sizes_(sizes), random_({seed, kStream}) {}

  Checkpoint build() {
    encoder();
    prompt_encoder();
    decoder();
    checkpoint_.storage = storage_;
    return std::move(checkpoint_);
  }

 private:
  std::vector<float>& add(const std::string& name, const Shape& shape, float value = 0) {
    std::int64_t elements = 1;
    for (const std::int64_t extent : shape) elements *= extent;
    auto& values = storage_->emplace_back(static_cast<std::size_t>(elements), value);
    checkpoint_.tensors[name] = {DType::kF32, shape, std::as_bytes(std::span(values))};
    return values;
  }
  void uniform(const std::string& name, const Shape& shape, double inputs) {
    const auto bound = static_cast<float>(1 / std::sqrt(inputs));
    for (float& value : add(name, shape)) value = random_.uniform(-bound, bound);
  }
  void normal(const std::string& name, const Shape& shape) {
    for (float& value : add(name, shape)) value = random_.normal();
  }
  // Any layer: PyTorch takes all but the first extent of its weight for the inputs, transposed or not.
  void layer(const std::string& name, const Shape& shape, std::int64_t biases) {
    std::int64_t inputs = 1;
    for (std::size_t i = 1; i < shape.size(); ++i) inputs *= shape[i];
    uniform(name + ".weight", shape, static_cast<double>(inputs));
    if (biases > 0) uniform(name + ".bias", {biases}, static_cast<double>(inputs));
  }
  void linear(const std::string& name, std::int64_t out, std::int64_t in) { layer(name, {out, in}, out); }
  void norm(const std::string& name, std::int64_t channels) {
    add(name + ".weight", {channels}, 1);
    add(name + ".bias", {channels});
  }

  void encoder() {
    const std::string root = "image_encoder.";
    const std::int64_t width = sizes_.width, channels = sizes_.channels;
    const std::int64_t grid = sizes_.image_size / sizes_.patch;
    layer(root + "patch_embed.proj", {width, 3, sizes_.patch, sizes_.patch}, width);
    add(root + "pos_embed", {1, grid, grid, width});
    for (int i = 0; i < sizes_.depth; ++i) {
      const std::string block = root + "blocks." + std::to_string(i) + '.';
      const auto& global = sizes_.global_blocks;
      const bool whole = std::find(global.begin(), global.end(), i) != global.end();
      const std::int64_t extent = whole ? grid : std::min(grid, sizes_.window);
      for (const char* table : {"attn.rel_pos_h", "attn.rel_pos_w"})
        add(block + table, {2 * extent - 1, width / sizes_.heads});
      norm(block + "norm1", width);
      linear(block + "attn.qkv", 3 * width, width);
      linear(block + "attn.proj", width, width);
      norm(block + "norm2", width);
      linear(block + "mlp.lin1", sizes_.mlp, width);
      linear(block + "mlp.lin2", width, sizes_.mlp);
    }
    layer(root + "neck.0", {channels, width, 1, 1}, 0);
    norm(root + "neck.1", channels);
    layer(root + "neck.2", {channels, channels, 3, 3}, 0);
    norm(root + "neck.3", channels);
  }

  void prompt_encoder() {
    const std::string root = "prompt_encoder.", down = root + "mask_downscaling.";
    const std::int64_t channels = sizes_.channels;
    normal(root + "pe_layer.positional_encoding_gaussian_matrix", {2, channels / 2});
    for (int i = 0; i < 4; ++i)
      normal(root + "point_embeddings." + std::to_string(i) + ".weight", {1, channels});
    normal(root + "not_a_point_embed.weight", {1, channels});
    normal(root + "no_mask_embed.weight", {1, channels});
    layer(down + "0", {kMaskChannels / 4, 1, 2, 2}, kMaskChannels / 4);
    norm(down + "1", kMaskChannels / 4);
    layer(down + "3", {kMaskChannels, kMaskChannels / 4, 2, 2}, kMaskChannels);
    norm(down + "4", kMaskChannels);
    layer(down + "6", {channels, kMaskChannels, 1, 1}, channels);
  }

  void attention(const std::string& name, std::int64_t inner) {
    for (const char* projection : {".q_proj", ".k_proj", ".v_proj"})
      linear(name + projection, inner, sizes_.channels);
    linear(name + ".out_proj", sizes_.channels, inner);
  }

  void mlp(const std::string& name, std::int64_t out) {
    const std::int64_t channels = sizes_.channels;
    linear(name + ".layers.0", channels, channels);
    linear(name + ".layers.1", channels, channels);
    linear(name + ".layers.2", out, channels);
  }

  void decoder() {
    const std::string root = "mask_decoder.", transformer = root + "transformer.";
    const std::int64_t channels = sizes_.channels, inner = channels / 2;
    for (std::int64_t i = 0; i < kDecoderLayers; ++i) {
      const std::string layer = transformer + "layers." + std::to_string(i) + '.';
      attention(layer + "self_attn", channels);
      attention(layer + "cross_attn_token_to_image", inner);
      attention(layer + "cross_attn_image_to_token", inner);
      linear(layer + "mlp.lin1", sizes_.decoder_mlp, channels);
      linear(layer + "mlp.lin2", channels, sizes_.decoder_mlp);
      for (const char* name : {"norm1", "norm2", "norm3", "norm4"}) norm(layer + name, channels);
    }
    attention(transformer + "final_attn_token_to_image", inner);
    norm(transformer + "norm_final_attn", channels);
    normal(root + "iou_token.weight", {1, channels});
    normal(root + "mask_tokens.weight", {kMaskTokens, channels});
    layer(root + "output_upscaling.0", {channels, channels / 4, 2, 2}, channels / 4);
    norm(root + "output_upscaling.1", channels / 4);
    layer(root + "output_upscaling.3", {channels / 4, channels / 8, 2, 2}, channels / 8);
    for (std::int64_t i = 0; i < kMaskTokens; ++i)
      mlp(root + "output_hypernetworks_mlps." + std::to_string(i), channels / 8);
    mlp(root + "iou_prediction_head", kMaskTokens);
  }

  const SamSizes& sizes_;
  Random random_;
  Checkpoint checkpoint_;
  std::shared_ptr<std::deque<std::vector<float>>> storage_ =
      std::make_shared<std::deque<std::vector<float>>>();
};

}  // namespace

Checkpoint sam_initial_weights(const SamSizes& sizes, std::uint64_t seed) {
  check(sizes);
  return Builder(sizes, seed).build();
}

}  // namespace medlsam::training
