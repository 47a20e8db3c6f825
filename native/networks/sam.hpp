// SAM (Kirillov et al., Segment Anything, 2023; algorithm.md 6.2, 6.3) in its parts: the image encoder, a
// vision transformer whose blocks attend within windows, but for a few that see the whole slice; the part of
// the prompt encoder that takes masks; the mask decoder.
#pragma once

#include "networks/graph.hpp"
#include "networks/sam_weights.hpp"

namespace medlsam {

enum class SamPart { kEncoder, kMaskPrompt, kDecoder, kMultimaskDecoder };

// Inputs and outputs, with S the edge of a slice in pixels and g = S/patch that of an embedding:
//   kEncoder           gray slices (n, 1, S, S), values 0 … 255 → embeddings (n, channels, g, g)
//   kMaskPrompt        mask prompts, logits (b, 1, 4g, 4g) → dense prompts (b, channels, g, g)
//   kDecoder           embedding (1, channels, g, g), tokens (b, t, channels) of prompt_tokens, dense prompts
//                      (b or 1, channels, g or 1, g or 1) → logits (b, 1, 4g, 4g), predicted IoUs (b, 1)
//   kMultimaskDecoder  the same with the other mask tokens: (b, m, 4g, 4g), (b, m)
// `embeddings`: how many the decoder takes, 1 or kAnyExtent (b of them).
Graph sam_graph(const SamWeights& weights, SamPart part, std::int64_t embeddings = 1);

}  // namespace medlsam
