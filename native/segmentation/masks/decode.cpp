#include "segmentation/masks/decode.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.hpp"

namespace medlsam {

MaskDecoder::MaskDecoder(std::int64_t logits_edge, std::int64_t edge, std::int64_t height, std::int64_t width,
                         MaskSampling sampling)
    : logits_edge_(logits_edge) {
  for (std::int64_t length : {logits_edge, edge, height, width}) {
    if (length >= 1 && length <= 65535) continue;
    throw Error(ErrorCode::kBadArgument, "Masks cannot be decoded with a length of " +
                                             std::to_string(length) + "; lengths are 1 to 65535.");
  }
  rows_ = samples(logits_edge, edge, height, sampling);
  columns_ = samples(logits_edge, edge, width, sampling);
}

MaskDecoder::Samples MaskDecoder::samples(std::int64_t logits_edge, std::int64_t edge, std::int64_t length,
                                          MaskSampling sampling) {
  Samples samples;
  const float scale = static_cast<float>(logits_edge) / static_cast<float>(edge);
  for (std::int64_t i = 0; i < length; ++i) {
    const float middle =
        sampling == MaskSampling::kCenters
            ? static_cast<float>((2 * i + 1) * logits_edge) / static_cast<float>(2 * length) - 0.5f
            : scale * (static_cast<float>(i * edge / length) + 0.5f) - 0.5f;
    const float place = std::max(0.0f, middle);
    const std::int64_t low = std::min(static_cast<std::int64_t>(place), logits_edge - 1);
    samples.low.push_back(static_cast<std::int32_t>(low));
    samples.high.push_back(static_cast<std::int32_t>(std::min(low + 1, logits_edge - 1)));
    samples.fraction.push_back(place - static_cast<float>(low));
  }
  return samples;
}

void MaskDecoder::decode(std::span<const float> logits, std::span<float> probabilities) const {
  const std::size_t height = rows_.low.size(), width = columns_.low.size();
  if (logits.size() != static_cast<std::size_t>(logits_edge_ * logits_edge_) ||
      probabilities.size() != height * width) {
    throw Error(ErrorCode::kBadArgument,
                "The decoder was made for " + std::to_string(logits_edge_ * logits_edge_) + " logits and " +
                    std::to_string(height * width) + " pixels; it was given " +
                    std::to_string(logits.size()) + " and " + std::to_string(probabilities.size()) + ".");
  }
  std::vector<float> low_resolution(logits.size());
  std::transform(logits.begin(), logits.end(), low_resolution.begin(),
                 [](float x) { return 1 / (1 + std::exp(-x)); });
  std::vector<float> line(logits_edge_);  // one row of the slice before its columns are sampled
  float* out = probabilities.data();
  for (std::size_t y = 0; y < height; ++y) {
    const float* above = low_resolution.data() + rows_.low[y] * logits_edge_;
    const float* below = low_resolution.data() + rows_.high[y] * logits_edge_;
    const float down = rows_.fraction[y];
    for (std::int64_t i = 0; i < logits_edge_; ++i) line[i] = above[i] * (1 - down) + below[i] * down;
    for (std::size_t x = 0; x < width; ++x) {
      const float right = columns_.fraction[x];
      *out++ = line[columns_.low[x]] * (1 - right) + line[columns_.high[x]] * right;
    }
  }
}

}  // namespace medlsam
