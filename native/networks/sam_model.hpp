// A loaded SAM: slices in, embeddings out; an embedding and prompts in, masks out.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "networks/network.hpp"
#include "networks/sam_prompts.hpp"
#include "networks/sam_weights.hpp"

namespace medlsam {

enum class SamPart { kEncoder, kMaskPrompt, kDecoder, kMultimaskDecoder };

// What a runtime offers: one part of SAM (networks/sam_encoder.hpp, sam_decoder.hpp) as a Network. The
// weights outlive it.
using SamBuilder = std::function<std::unique_ptr<Network>(const SamWeights& weights, SamPart part)>;

struct SamMasks {
  Array logits;  // (prompts, masks, S/4, S/4); foreground above 0
  Array ious;    // (prompts, masks), predicted
};

// Thread-safe: parts are built when first asked for and share the weights.
class SamModel {
 public:
  SamModel(std::unique_ptr<const SamWeights> weights, SamBuilder builder)
      : weights_(std::move(weights)), builder_(std::move(builder)) {}

  const SamWeights& weights() const { return *weights_; }

  // Gray slices (n, 1, S, S), values 0 … 255 → (n, channels, S/patch, S/patch).
  Array encode(const Array& slices, const Task& task);

  // One slice's embedding (1, channels, S/patch, S/patch) and prompts of the same number of points.
  // `mask_prompts` (prompts, 1, S/4, S/4), logits of an earlier run, may be null. One mask for each prompt,
  // or with `multimask` the three of rising extent that SAM offers for one ambiguous point.
  SamMasks decode(const Array& embedding, const std::vector<SamPrompt>& prompts, const Array* mask_prompts,
                  bool multimask, const Task& task);

 private:
  Network& network(SamPart part);

  std::unique_ptr<const SamWeights> weights_;
  SamBuilder builder_;
  std::mutex mutex_;
  std::array<std::unique_ptr<Network>, 4> networks_;
};

}  // namespace medlsam
