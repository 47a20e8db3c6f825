// From SAM's logits to masks on the stored grid (algorithm.md parts 6.4 and 6.6), on a GPU.
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

// Where one mask's rectangle is copied to.
struct MaskCrop {
  const std::uint16_t* levels;
  std::int32_t top, left, height, width;
  std::int64_t offset;  // of its first element
};

// A pixel of a slice in one of its masks.
struct MaskPixel {
  std::uint32_t mask, pixel;
};

struct MaskMemory {
  std::vector<DeviceArray<std::uint16_t>> levels;  // (prompts, height, width), of each call for a slice
  DeviceArray<MaskExtent> partials, extents;
  DeviceArray<MaskCrop> crops;
  DeviceArray<const std::uint16_t*> masks;
  DeviceArray<MaskPixel> pixels;
  DeviceArray<std::uint8_t> packed;  // what goes to the host
  std::size_t bytes() const;
};

// Levels of every pixel of the slice, 0 background, 1 … 65535 for probabilities ½ … 1, into
// memory.levels[call], beside those of the slice's earlier calls; waits for what it returns, one for each
// prompt.
std::vector<DecodedMask> decode_masks(Stream stream, const MaskLogits& logits, const SliceView& view,
                                      std::int64_t slice, float foreground, std::size_t call,
                                      MaskMemory& memory);

// The levels inside the rectangles, one after another, to the host; then the same as bits, rows in whole
// bytes, the first pixel in the lowest bit; then the levels of some pixels, which are the masks' and slice's.
void read_levels(Stream stream, std::span<const DecodedMask> masks, const SliceView& view, MaskMemory& memory,
                 Staging& staging, std::uint16_t* levels);
void read_bits(Stream stream, std::span<const DecodedMask> masks, const SliceView& view, MaskMemory& memory,
               std::uint8_t* bits);
void read_levels_at(Stream stream, std::span<const DecodedMask> masks, std::span<const MaskPixel> pixels,
                    MaskMemory& memory, Staging& staging, std::uint16_t* levels);

}  // namespace medlsam::cuda
