// From SAM's logits to a mask of the slice (algorithm.md part 6.4).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace medlsam {

// A probability above this is foreground.
inline constexpr float kForeground = 0.5f;

// Reads masks of one geometry out of the network's low-resolution logits: their sigmoid is resized bilinearly
// to SAM's image (half-pixel centers), of which every pixel of the slice takes the nearest one before it,
// floor(pixel · edge / length). Only those are computed. One decoder may serve several threads.
class MaskDecoder {
 public:
  // `logits_edge`²: the logits; `edge`²: SAM's image, 4 times as long for every SAM; height × width: the
  // slice. Throws kBadArgument for lengths below 1 or above 65535.
  MaskDecoder(std::int64_t logits_edge, std::int64_t edge, std::int64_t height, std::int64_t width);

  // Every pixel's probability of being the organ. Throws kBadArgument for spans of other sizes.
  void decode(std::span<const float> logits, std::span<float> probabilities) const;

 private:
  // A sample lies between logits `low` and `high`, this far on the way.
  struct Samples {
    std::vector<std::int32_t> low, high;
    std::vector<float> fraction;
  };
  static Samples samples(std::int64_t logits_edge, std::int64_t edge, std::int64_t length);

  std::int64_t logits_edge_;
  Samples rows_, columns_;
};

}  // namespace medlsam
