#pragma once

#include <cstdint>
#include <vector>

#include "checkpoints/checkpoint.hpp"
#include "torch/training/option_fields.hpp"

namespace medlsam::training {

// Sizes of a new SAM; its mask decoder has two layers and four mask tokens, as every published one.
struct SamSizes {
  std::int64_t image_size = 0, patch = 0;                 // edges of a slice and of a patch in pixels
  std::int64_t width = 0, depth = 0, heads = 0, mlp = 0;  // of the image encoder; mlp: hidden units
  std::int64_t window = 0;                                // edge of the patches that a block attends to
  std::vector<int> global_blocks;                         // blocks that attend to the whole slice
  std::int64_t channels = 0;                              // of the embedding
  std::int64_t decoder_mlp = 0;                           // hidden units of the mask decoder

  void describe(OptionFields& fields) {
    fields.add("imageSize", image_size);
    fields.add("patch", patch);
    fields.add("width", width);
    fields.add("depth", depth);
    fields.add("heads", heads);
    fields.add("mlp", mlp);
    fields.add("window", window);
    fields.add("globalBlocks", global_blocks);
    fields.add("channels", channels);
    fields.add("decoderMlp", decoder_mlp);
  }
};

// A SAM's tensors under their official names, drawn as PyTorch starts its layers: weights and biases uniform
// within ±1/√(inputs of a unit), embeddings and the Fourier matrix normal, positions 0. The checkpoint owns
// them. Throws kBadArgument for sizes that do not fit together.
Checkpoint sam_initial_weights(const SamSizes& sizes, std::uint64_t seed);

}  // namespace medlsam::training
