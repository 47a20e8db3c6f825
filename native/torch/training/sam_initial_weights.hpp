#pragma once

#include <cstdint>
#include <vector>

#include "checkpoints/checkpoint.hpp"

namespace medlsam::training {

// Of a new SAM; its mask decoder has two layers and four mask tokens, as every published one.
struct SamSizes {
  std::int64_t image_size = 256, patch = 8;                   // edge of a slice and of a patch in pixels
  std::int64_t width = 128, depth = 4, heads = 4, mlp = 512;  // of the image encoder; mlp: hidden units
  std::int64_t window = 8;                                    // edge of what a block sees, in patches
  std::vector<int> global_blocks = {1, 3};                    // those that see the whole slice
  std::int64_t channels = 64, decoder_mlp = 512;              // of the embedding; hidden units
};

// A SAM's tensors under their official names, drawn as PyTorch starts its layers: weights and biases uniform
// within ±1/√(inputs of a unit), embeddings and the Fourier matrix normal, positions 0. The checkpoint owns
// them. Throws kBadArgument for sizes that do not fit together.
Checkpoint sam_initial_weights(const SamSizes& sizes, std::uint64_t seed);

}  // namespace medlsam::training
