// Turns SAM's logits into a mask of the slice (algorithm.md part 6.4).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "networks/mask_sampling.hpp"

namespace medlsam {

// A probability above this is foreground.
inline constexpr float kForeground = 0.5f;

// Decodes masks of one geometry from the network's low-resolution logits: their sigmoid is resized bilinearly
// to SAM's image (half-pixel centers), and each pixel of the slice takes one sample of that. Only those
// samples are computed. Thread-safe.
class MaskDecoder {
 public:
  // `logits_edge`²: the logits; `edge`²: SAM's image, 4 times as long for every SAM; height × width: the
  // slice. Throws kBadArgument for lengths below 1 or above 65535.
  MaskDecoder(std::int64_t logits_edge, std::int64_t edge, std::int64_t height, std::int64_t width,
              MaskSampling sampling = MaskSampling::kCorners);

  // The probability that each pixel belongs to the organ. Throws kBadArgument for spans of other sizes.
  void decode(std::span<const float> logits, std::span<float> probabilities) const;

 private:
  // A sample lies between logits `low` and `high`, at `fraction` of the way.
  struct Samples {
    std::vector<std::int32_t> low, high;
    std::vector<float> fraction;
  };
  static Samples samples(std::int64_t logits_edge, std::int64_t edge, std::int64_t length,
                         MaskSampling sampling);

  std::int64_t logits_edge_;
  Samples rows_, columns_;
};

}  // namespace medlsam
