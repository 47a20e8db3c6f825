#include "networks/sam_prompts.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "base/error.hpp"

namespace medlsam {
namespace {

// Points count one more without a box: the published encoder then adds one that is not a point.
std::size_t token_count(const SamPrompt& prompt) {
  return prompt.points.size() + (prompt.box ? 2 : 1);
}

// One prompt's tokens, written one after the other.
class TokenWriter {
 public:
  TokenWriter(const SamWeights& weights, float* to) : weights_(weights), to_(to) {}

  void copy(const std::string& name, std::int64_t rows) {
    to_ = std::copy_n(weights_.values(name), rows * weights_.channels(), to_);
  }

  // `kind`: 0 background, 1 foreground, 2 and 3 the corners of a box.
  void point(float x, float y, int kind) {
    // The middle of the pixel.
    encode_position(weights_, x + 0.5f, y + 0.5f, to_);
    const float* added =
        weights_.values("prompt_encoder.point_embeddings." + std::to_string(kind) + ".weight");
    for (int c = 0; c < weights_.channels(); ++c) *to_++ += added[c];
  }

 private:
  const SamWeights& weights_;
  float* to_;
};

}  // namespace

void encode_position(const SamWeights& weights, float x, float y, float* out) {
  const auto size = static_cast<float>(weights.image_size());
  const float u = 2 * (x / size) - 1, v = 2 * (y / size) - 1;
  const int half = weights.channels() / 2;
  const float* matrix = weights.values("prompt_encoder.pe_layer.positional_encoding_gaussian_matrix");
  for (int i = 0; i < half; ++i) {
    const float angle = 2 * std::numbers::pi_v<float> * (u * matrix[i] + v * matrix[half + i]);
    out[i] = std::sin(angle);
    out[half + i] = std::cos(angle);
  }
}

Tensor prompt_tokens(const SamWeights& weights, const std::vector<SamPrompt>& prompts) {
  if (prompts.empty()) throw Error(ErrorCode::kBadArgument, "There is no prompt to segment by.");
  const std::size_t points = token_count(prompts.front());
  for (const SamPrompt& prompt : prompts) {
    if (prompt.points.empty() && !prompt.box) {
      throw Error(ErrorCode::kBadArgument, "A prompt needs a box or at least one point.");
    }
    if (token_count(prompt) != points) {
      throw Error(
          ErrorCode::kBadArgument,
          "Prompts decoded together must have the same number of points; decode those that differ apart.");
    }
  }
  const std::size_t tokens = 1 + weights.mask_tokens() + points;
  const std::size_t channels = weights.channels();
  std::vector<float> values(prompts.size() * tokens * channels);
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    TokenWriter writer(weights, values.data() + i * tokens * channels);
    writer.copy("mask_decoder.iou_token.weight", 1);
    writer.copy("mask_decoder.mask_tokens.weight", weights.mask_tokens());
    for (const PromptPoint& point : prompts[i].points)
      writer.point(point.x, point.y, point.foreground ? 1 : 0);
    if (const auto& box = prompts[i].box) {
      writer.point((*box)[0], (*box)[1], 2);
      writer.point((*box)[2], (*box)[3], 3);
    } else {
      writer.copy("prompt_encoder.not_a_point_embed.weight", 1);
    }
  }
  return Tensor::on_host(std::move(values), {static_cast<std::int64_t>(prompts.size()),
                                             static_cast<std::int64_t>(tokens), weights.channels()});
}

}  // namespace medlsam
