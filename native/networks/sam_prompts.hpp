// SAM's prompt encoder, but for masks: boxes and points become the tokens that the mask decoder starts from.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "base/tensor.hpp"
#include "networks/sam_weights.hpp"

namespace medlsam {

// Left, top, right, bottom in pixels of SAM's square image; the margin may put them outside.
using PromptBox = std::array<float, 4>;

// A pixel of SAM's image that is, or is not, in the organ.
struct PromptPoint {
  float x = 0, y = 0;
  bool foreground = true;
};

// The prompt for one organ on a slice: points, a box (x0, y0, x1, y1 in pixels of the S×S slice, neither
// grown nor clipped here) or both.
struct SamPrompt {
  std::vector<PromptPoint> points;
  std::optional<PromptBox> box;
};

// Random Fourier features (Tancik et al., 2020) of a place on the slice, in pixels → `channels` values.
void encode_position(const SamWeights& weights, float x, float y, float* out);

// The decoder's tokens for each prompt: (prompts, 1 + mask tokens + points, channels). Its first are the
// network's own: the IoU token and the mask tokens. Throws kBadArgument if there is no prompt, one is empty,
// or they differ in their number of points, which one batch cannot hold.
Tensor prompt_tokens(const SamWeights& weights, const std::vector<SamPrompt>& prompts);

}  // namespace medlsam
