#include "networks/sam_weights.hpp"

#include <algorithm>
#include <utility>

#include "networks/sam_prompts.hpp"

namespace medlsam {

SamWeights::SamWeights(const Checkpoint& checkpoint, const std::string& path, const SamGeometry* stated)
    : parameters_(checkpoint, "SAM", path, "image_encoder.patch_embed.proj.weight") {
  read_mask_sampling(checkpoint);
  read_encoder();
  read_prompt_encoder();
  read_decoder();
  if (stated != nullptr) compare(*stated);
  fold_patch_embedding();
  fold_upscaling(0);
  fold_upscaling(3);
  fold_downscaling();
  fold_positions();
  parameters_.close();
}

void SamWeights::read_mask_sampling(const Checkpoint& checkpoint) {
  const auto found = checkpoint.metadata.find(kMaskSampling);
  if (found == checkpoint.metadata.end()) return;
  if (found->second != kCenters) {
    parameters_.refuse("its metadata has \"" + std::string(kMaskSampling) + "\": \"" + found->second +
                       "\"; all that is known is \"" + kCenters + "\".");
  }
  mask_sampling_ = MaskSampling::kCenters;
}

std::string SamWeights::digest() const {
  const bool centers = mask_sampling_ == MaskSampling::kCenters;
  return parameters_.digest() + (centers ? std::string(kMaskSampling) + ' ' + kCenters + '\n' : "");
}

void SamWeights::read_linear(const std::string& name, std::int64_t out, std::int64_t in) {
  const std::string why =
      std::to_string(in) + " to " + std::to_string(out) + " channels, as the tensors before say";
  parameters_.take(name + ".weight", {out, in}, why);
  parameters_.take(name + ".bias", {out}, why);
}

void SamWeights::read_norm(const std::string& name, std::int64_t channels) {
  parameters_.take(name + ".weight", {channels}, "one number per channel");
  parameters_.take(name + ".bias", {channels}, "one number per channel");
}

void SamWeights::read_encoder() {
  const std::string root = "image_encoder.";
  const auto patches = parameters_.shape(root + "patch_embed.proj.weight", 4);
  const auto positions = parameters_.shape(root + "pos_embed", 4);
  const std::int64_t width = patches[0];
  parameters_.take(root + "patch_embed.proj.weight", {width, 3, patches[2], patches[2]},
                   "square patches of RGB");
  parameters_.take(root + "patch_embed.proj.bias", {width}, "the width");
  parameters_.take(root + "pos_embed", {1, positions[1], positions[1], width}, "a square grid of the width");
  if (positions[1] > 8192 / patches[2]) {
    parameters_.refuse("it wants slices of " + std::to_string(positions[1]) + "·" +
                       std::to_string(patches[2]) + " pixels; at most 8192 are allowed.");
  }
  width_ = static_cast<int>(width);
  patch_ = static_cast<int>(patches[2]);
  grid_ = static_cast<int>(positions[1]);

  for (int i = 0; i == 0 || parameters_.has(root + "blocks." + std::to_string(i) + ".norm1.weight"); ++i) {
    read_block(root + "blocks." + std::to_string(i) + '.');
  }

  channels_ = static_cast<int>(parameters_.shape(root + "neck.0.weight", 4)[0]);
  parameters_.take(root + "neck.0.weight", {channels_, width, 1, 1}, "from the width to the embedding");
  parameters_.take(root + "neck.2.weight", {channels_, channels_, 3, 3}, "the embedding's channels");
  read_norm(root + "neck.1", channels_);
  read_norm(root + "neck.3", channels_);
}

void SamWeights::read_block(const std::string& root) {
  const auto table = parameters_.shape(root + "attn.rel_pos_h", 2);
  const std::int64_t extent = (table[0] + 1) / 2, dim = table[1];
  if (table[0] % 2 == 0 || extent > grid_ || width_ % dim != 0 || (heads_ != 0 && width_ / dim != heads_)) {
    parameters_.refuse("tensor '" + root + "attn.rel_pos_h' has shape " + shape_text(table) +
                       ", wanted 2·n − 1 rows for windows of n patches, at most " + std::to_string(grid_) +
                       ", and columns that divide the width " + std::to_string(width_) +
                       " into the same number of heads in all blocks.");
  }
  heads_ = static_cast<int>(width_ / dim);
  windows_.push_back(extent == grid_ ? 0 : static_cast<int>(extent));
  parameters_.take(root + "attn.rel_pos_h", table, "as found");
  parameters_.take(root + "attn.rel_pos_w", table, "as attn.rel_pos_h");
  read_norm(root + "norm1", width_);
  read_linear(root + "attn.qkv", 3 * width_, width_);
  read_linear(root + "attn.proj", width_, width_);
  read_norm(root + "norm2", width_);
  const std::int64_t hidden = parameters_.shape(root + "mlp.lin1.weight", 2)[0];
  read_linear(root + "mlp.lin1", hidden, width_);
  read_linear(root + "mlp.lin2", width_, hidden);
}

void SamWeights::read_prompt_encoder() {
  const std::string root = "prompt_encoder.";
  if (channels_ % 2 != 0) parameters_.refuse("its embedding has an odd number of channels.");
  parameters_.take(root + "pe_layer.positional_encoding_gaussian_matrix", {2, channels_ / 2},
                   "half the embedding");
  for (int i = 0; i < 4; ++i) {
    parameters_.take(root + "point_embeddings." + std::to_string(i) + ".weight", {1, channels_},
                     "the embedding");
  }
  parameters_.take(root + "not_a_point_embed.weight", {1, channels_}, "the embedding");
  parameters_.take(root + "no_mask_embed.weight", {1, channels_}, "the embedding");

  const std::string down = root + "mask_downscaling.";
  const std::int64_t first = parameters_.shape(down + "0.weight", 4)[0];
  const std::int64_t second = parameters_.shape(down + "3.weight", 4)[0];
  parameters_.take(down + "0.weight", {first, 1, 2, 2}, "halves a mask");
  parameters_.take(down + "0.bias", {first}, "its channels");
  read_norm(down + "1", first);
  parameters_.take(down + "3.weight", {second, first, 2, 2}, "halves it again");
  parameters_.take(down + "3.bias", {second}, "its channels");
  read_norm(down + "4", second);
  parameters_.take(down + "6.weight", {channels_, second, 1, 1}, "to the embedding");
  parameters_.take(down + "6.bias", {channels_}, "the embedding");
}

void SamWeights::read_attention(const std::string& name, std::int64_t inner) {
  for (const char* projection : {".q_proj", ".k_proj", ".v_proj"})
    read_linear(name + projection, inner, channels_);
  read_linear(name + ".out_proj", channels_, inner);
}

void SamWeights::read_decoder() {
  const std::string root = "mask_decoder.", transformer = root + "transformer.";
  const std::string cross = "cross_attn_token_to_image";
  const std::int64_t inner = parameters_.shape(transformer + "layers.0." + cross + ".q_proj.weight", 2)[0];
  const std::int64_t hidden = parameters_.shape(transformer + "layers.0.mlp.lin1.weight", 2)[0];
  if (channels_ % kSamDecoderHeads != 0 || inner % kSamDecoderHeads != 0) {
    parameters_.refuse("the mask decoder's widths " + std::to_string(channels_) + " and " +
                       std::to_string(inner) + " are not multiples of its " +
                       std::to_string(kSamDecoderHeads) + " heads.");
  }
  do {
    const std::string layer = transformer + "layers." + std::to_string(decoder_depth_) + '.';
    read_attention(layer + "self_attn", channels_);
    read_attention(layer + cross, inner);
    read_attention(layer + "cross_attn_image_to_token", inner);
    read_linear(layer + "mlp.lin1", hidden, channels_);
    read_linear(layer + "mlp.lin2", channels_, hidden);
    for (const char* norm : {"norm1", "norm2", "norm3", "norm4"}) read_norm(layer + norm, channels_);
    ++decoder_depth_;
  } while (parameters_.has(transformer + "layers." + std::to_string(decoder_depth_) + ".norm1.weight"));
  read_attention(transformer + "final_attn_token_to_image", inner);
  read_norm(transformer + "norm_final_attn", channels_);

  parameters_.take(root + "iou_token.weight", {1, channels_}, "the embedding");
  const auto tokens = parameters_.shape(root + "mask_tokens.weight", 2);
  if (tokens[0] < 2 || tokens[0] > 64) {
    parameters_.refuse("'" + root + "mask_tokens.weight' has shape " + shape_text(tokens) +
                       ", wanted 2 to 64 tokens.");
  }
  parameters_.take(root + "mask_tokens.weight", {tokens[0], channels_}, "the embedding");
  mask_tokens_ = static_cast<int>(tokens[0]);

  const std::string up = root + "output_upscaling.";
  const std::int64_t first = parameters_.shape(up + "0.weight", 4)[1];
  const std::int64_t second = parameters_.shape(up + "3.weight", 4)[1];
  parameters_.take(up + "0.weight", {channels_, first, 2, 2}, "doubles the embedding");
  parameters_.take(up + "0.bias", {first}, "its channels");
  read_norm(up + "1", first);
  parameters_.take(up + "3.weight", {first, second, 2, 2}, "doubles it again");
  parameters_.take(up + "3.bias", {second}, "its channels");

  for (int i = 0; i < mask_tokens_; ++i) {
    read_mlp(root + "output_hypernetworks_mlps." + std::to_string(i), second);
  }
  read_mlp(root + "iou_prediction_head", mask_tokens_);
}

void SamWeights::read_mlp(const std::string& name, std::int64_t out) {
  const std::int64_t hidden = parameters_.shape(name + ".layers.0.weight", 2)[0];
  read_linear(name + ".layers.0", hidden, channels_);
  read_linear(name + ".layers.1", hidden, hidden);
  read_linear(name + ".layers.2", out, hidden);
}

void SamWeights::compare(const SamGeometry& stated) const {
  const auto differ = [this](const std::string& what, int said, int found) {
    parameters_.refuse("the JSON beside it says " + what + ' ' + std::to_string(said) + ", its tensors " +
                       std::to_string(found) + '.');
  };
  if (stated.heads != heads_) differ("heads", stated.heads, heads_);
  for (const int block : stated.global_blocks) {
    if (block < 0 || block >= depth()) differ("that there is a block", block, depth());
  }
  for (int block = 0; block < depth(); ++block) {
    const auto& global = stated.global_blocks;
    const bool whole =
        std::find(global.begin(), global.end(), block) != global.end() || stated.window >= grid_;
    const int extent = whole ? grid_ : stated.window, found = windows_[block] == 0 ? grid_ : windows_[block];
    if (extent != found) differ("the window of block " + std::to_string(block) + " is", extent, found);
  }
}

void SamWeights::fold_patch_embedding() {
  const std::int64_t area = std::int64_t{patch_} * patch_;
  const float* weight = values("image_encoder.patch_embed.proj.weight");
  const float* bias = values("image_encoder.patch_embed.proj.bias");
  std::vector<float> folded(static_cast<std::size_t>(width_ * area)),
      shifted(static_cast<std::size_t>(width_));
  for (std::int64_t out = 0; out < width_; ++out) {
    double shift = bias[out];
    for (std::int64_t i = 0; i < area; ++i) {
      double sum = 0;
      for (std::int64_t c = 0; c < 3; ++c) {
        const double scaled = weight[(out * 3 + c) * area + i] / kSamDeviation[c];
        sum += scaled;
        shift -= scaled * kSamMean[c];
      }
      folded[out * area + i] = static_cast<float>(sum);
    }
    shifted[out] = static_cast<float>(shift);
  }
  parameters_.put("folded.patch.weight", {width_, area}, std::move(folded));
  parameters_.put("folded.patch.bias", {width_}, std::move(shifted));
}

void SamWeights::fold_upscaling(int layer) {
  const std::string name = "mask_decoder.output_upscaling." + std::to_string(layer);
  const std::string to = "folded.upscale." + std::to_string(layer);
  const std::int64_t in = at(name + ".weight").shape[0], out = at(name + ".weight").shape[1];
  const float *weight = values(name + ".weight"), *bias = values(name + ".bias");
  std::vector<float> folded(static_cast<std::size_t>(4 * out * in)),
      repeated(static_cast<std::size_t>(4 * out));
  for (std::int64_t pixel = 0; pixel < 4; ++pixel) {
    for (std::int64_t o = 0; o < out; ++o) {
      repeated[pixel * out + o] = bias[o];
      for (std::int64_t i = 0; i < in; ++i)
        folded[(pixel * out + o) * in + i] = weight[(i * out + o) * 4 + pixel];
    }
  }
  parameters_.put(to + ".weight", {4 * out, in}, std::move(folded));
  parameters_.put(to + ".bias", {4 * out}, std::move(repeated));
}

void SamWeights::fold_downscaling() {
  const std::string name = "prompt_encoder.mask_downscaling.3.weight";
  const std::int64_t out = at(name).shape[0], in = at(name).shape[1];
  const float* weight = values(name);
  std::vector<float> folded(static_cast<std::size_t>(4 * out * in));
  for (std::int64_t o = 0; o < out; ++o) {
    for (std::int64_t i = 0; i < in; ++i) {
      for (std::int64_t pixel = 0; pixel < 4; ++pixel)
        folded[(o * 4 + pixel) * in + i] = weight[(o * in + i) * 4 + pixel];
    }
  }
  parameters_.put("folded.downscale.3.weight", {out, 4 * in}, std::move(folded));
}

void SamWeights::fold_positions() {
  std::vector<float> positions(static_cast<std::size_t>(grid_) * grid_ * channels_);
  float* out = positions.data();
  for (int y = 0; y < grid_; ++y) {
    for (int x = 0; x < grid_; ++x, out += channels_) {
      encode_position(*this, (static_cast<float>(x) + 0.5f) * static_cast<float>(patch_),
                      (static_cast<float>(y) + 0.5f) * static_cast<float>(patch_), out);
    }
  }
  parameters_.put("folded.positions", {std::int64_t{grid_} * grid_, channels_}, std::move(positions));
}

}  // namespace medlsam
