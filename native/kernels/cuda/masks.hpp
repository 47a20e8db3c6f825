// From SAM's logits to masks on the stored grid (algorithm.md part 6.4), on a GPU.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/cuda/slices.hpp"
#include "kernels/cuda/staging.hpp"

namespace medlsam::cuda {

// Logits of one slice's prompts in device memory, of a floating type.
struct MaskLogits {
  const void* logits = nullptr;  // (prompts, each, edge, edge)
  const void* ious =
      nullptr;  // (prompts, each): of each prompt the mask of the greatest is used; null: the first
  Element type = Element::kFloat32;
  std::int32_t prompts = 0, each = 1;
  std::int32_t edge = 0, image_edge = 0;  // of SAM's image
  bool centers = false;                   // sampled in the pixels' middles (medlsam::MaskSampling)
};

// The rectangle of a mask's foreground on its slice, last row and column included; bottom < top where there
// is none.
struct MaskExtent {
  std::int32_t top, left, bottom, right;
  std::int64_t voxels;  // of the foreground
  double sum;           // of their stored values

  std::int64_t height() const { return bottom < top ? 0 : bottom - top + 1; }
  std::int64_t width() const { return bottom < top ? 0 : right - left + 1; }
};

// A mask on the device: its levels are (height, width) of the slice.
struct DecodedMask {
  MaskExtent extent;
  const std::uint16_t* levels = nullptr;
};

struct MaskMemory {
  std::vector<DeviceArray<std::uint16_t>> levels;  // (prompts, height, width), of each call for a slice
  DeviceArray<MaskExtent> partials, extents;
  std::size_t bytes() const;
};

// Levels of every pixel of the slice, 0 background, 1 … 65535 for probabilities ½ … 1, into
// memory.levels[call], beside those of the slice's earlier calls; waits for what it returns, one for each
// prompt.
std::vector<DecodedMask> decode_masks(Stream stream, const MaskLogits& logits, const SliceView& view,
                                      std::int64_t slice, float foreground, std::size_t call,
                                      MaskMemory& memory);

}  // namespace medlsam::cuda
