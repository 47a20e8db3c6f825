#include "kernels/cuda/masks.hpp"

#include <cmath>

#include "kernels/cuda/collectives.hpp"
#include "kernels/cuda/launch.hpp"

namespace medlsam::cuda {
namespace {

constexpr std::int32_t kFar = 0x7fffffff;

// Where a pixel's sample lies between the logits (medlsam::MaskDecoder): in the pixel's middle, or where the
// pixel floor(pixel · image edge / length) of SAM's image has its own.
struct Sample {
  std::int32_t low, high;
  float fraction;
};

MEDLSAM_KERNEL Sample sample_at(std::int64_t pixel, std::int64_t length, std::int32_t edge,
                                std::int32_t image_edge, bool centers) {
  const float scale = static_cast<float>(edge) / static_cast<float>(image_edge);
  const float middle =
      centers ? static_cast<float>((2 * pixel + 1) * edge) / static_cast<float>(2 * length) - 0.5f
              : scale * (static_cast<float>(pixel * image_edge / length) + 0.5f) - 0.5f;
  const float place = middle > 0 ? middle : 0.0f;
  const auto whole = static_cast<std::int32_t>(place);
  const std::int32_t low = whole < edge - 1 ? whole : edge - 1,
                     high = low + 1 < edge - 1 ? low + 1 : edge - 1;
  return {low, high, place - static_cast<float>(low)};
}

MEDLSAM_KERNEL float sigmoid(float logit) {
  return 1 / (1 + std::exp(-logit));
}

MEDLSAM_KERNEL std::uint16_t level_of(float probability, float foreground) {
  if (!(probability > foreground)) return 0;
  const float above = ((probability < 1.0f ? probability : 1.0f) - foreground) / (1 - foreground);
  return static_cast<std::uint16_t>(1 + above * 65534);
}

struct JoinExtents {
  MEDLSAM_KERNEL MaskExtent operator()(const MaskExtent& a, const MaskExtent& b) const {
    return {a.top < b.top ? a.top : b.top,
            a.left < b.left ? a.left : b.left,
            a.bottom > b.bottom ? a.bottom : b.bottom,
            a.right > b.right ? a.right : b.right,
            a.voxels + b.voxels,
            a.sum + b.sum};
  }
  MEDLSAM_KERNEL static MaskExtent nothing() { return {kFar, kFar, -1, -1, 0, 0.0}; }
};

// A row of blocks for each prompt.
template <class T>
struct DecodeMasks {
  static constexpr int kThreads = 256, kPixels = 2048;  // of a block
  MaskLogits logits;
  SliceView view;
  std::int64_t slice;
  float foreground;
  std::uint16_t* levels;
  MaskExtent* partials;

  template <class Block>
  MEDLSAM_KERNEL void operator()(Block& block) const {
    MaskExtent* shared = block.template shared<MaskExtent>();
    typename Block::template PerThread<MaskExtent> extents(block);
    const std::int64_t prompt = block.y(), plane = std::int64_t{1} * logits.edge * logits.edge;
    block.each([&](int thread) {
      const std::int64_t chosen = prompt * logits.each + best_of(prompt);
      const T* mask = static_cast<const T*>(logits.logits) + chosen * plane;
      MaskExtent extent = JoinExtents::nothing();
      const std::int64_t begin = std::int64_t{1} * block.x() * kPixels;
      const std::int64_t end = begin + kPixels < view.pixels() ? begin + kPixels : view.pixels();
      for (std::int64_t pixel = begin + thread; pixel < end; pixel += kThreads) {
        const auto y = static_cast<std::int32_t>(pixel / view.width);
        const auto x = static_cast<std::int32_t>(pixel % view.width);
        const std::uint16_t level = level_of(probability(mask, y, x), foreground);
        levels[prompt * view.pixels() + pixel] = level;
        if (level == 0) continue;
        const double stored =
            view.volume.at(slice * view.step_slice + y * view.step_row + x * view.step_column);
        extent = JoinExtents{}(extent, {y, x, y, x, 1, stored});
      }
      extents[thread] = extent;
    });
    reduce(block, extents, shared, JoinExtents{});
    block.each_without_barrier([&](int thread) {
      if (thread == 0) partials[prompt * block.blocks_x() + block.x()] = shared[0];
    });
  }

 private:
  // The mask with the first of the greatest predicted IoUs.
  MEDLSAM_KERNEL std::int64_t best_of(std::int64_t prompt) const {
    if (logits.ious == nullptr) return 0;
    const T* ious = static_cast<const T*>(logits.ious) + prompt * logits.each;
    std::int32_t best = 0;
    for (std::int32_t i = 1; i < logits.each; ++i) {
      if (to_float(ious[best]) < to_float(ious[i])) best = i;
    }
    return best;
  }

  MEDLSAM_KERNEL float probability(const T* mask, std::int32_t y, std::int32_t x) const {
    const Sample row = sample_at(y, view.height, logits.edge, logits.image_edge, logits.centers);
    const Sample column = sample_at(x, view.width, logits.edge, logits.image_edge, logits.centers);
    const auto line = [&](std::int32_t at) {
      const float above = sigmoid(to_float(mask[row.low * logits.edge + at]));
      const float below = sigmoid(to_float(mask[row.high * logits.edge + at]));
      return above * (1 - row.fraction) + below * row.fraction;
    };
    return line(column.low) * (1 - column.fraction) + line(column.high) * column.fraction;
  }
};

// A block for each prompt.
struct JoinParts {
  static constexpr int kThreads = 128;
  int count;  // of parts
  const MaskExtent* partials;
  MaskExtent* extents;

  template <class Block>
  MEDLSAM_KERNEL void operator()(Block& block) const {
    typename Block::template PerThread<MaskExtent> found(block);
    block.each([&](int thread) {
      MaskExtent extent = JoinExtents::nothing();
      for (int i = thread; i < count; i += kThreads)
        extent = JoinExtents{}(extent, partials[std::int64_t{1} * block.x() * count + i]);
      found[thread] = extent;
    });
    MaskExtent* shared = block.template shared<MaskExtent>();
    reduce(block, found, shared, JoinExtents{});
    block.each_without_barrier([&](int thread) {
      if (thread == 0) extents[block.x()] = shared[0];
    });
  }
};

}  // namespace

std::size_t MaskMemory::bytes() const {
  std::size_t sum = partials.bytes() + extents.bytes();
  for (const DeviceArray<std::uint16_t>& each : levels) sum += each.bytes();
  return sum;
}

std::vector<DecodedMask> decode_masks(Stream stream, const MaskLogits& logits, const SliceView& view,
                                      std::int64_t slice, float foreground, std::size_t call,
                                      MaskMemory& memory) {
  if (logits.prompts == 0) return {};
  if (memory.levels.size() <= call) memory.levels.resize(call + 1);
  std::uint16_t* levels = memory.levels[call].at_least(logits.prompts * view.pixels());
  MaskExtent* extents = memory.extents.at_least(logits.prompts);
  with_floating(logits.type, [&]<class T>(T) {
    const std::int64_t blocks = blocks_for(view.pixels(), DecodeMasks<T>::kPixels);
    MaskExtent* partials = memory.partials.at_least(blocks * logits.prompts);
    const DecodeMasks<T> body{logits, view, slice, foreground, levels, partials};
    launch(stream, {blocks, logits.prompts, 1, body.kThreads * sizeof(MaskExtent)}, body);
    const JoinParts join{static_cast<int>(blocks), partials, extents};
    launch(stream, {logits.prompts, 1, 1, join.kThreads * sizeof(MaskExtent)}, join);
  });
  std::vector<DecodedMask> masks;
  for (const MaskExtent& extent : download(extents, logits.prompts, stream)) {
    masks.push_back({extent, levels});
    levels += view.pixels();
  }
  return masks;
}

}  // namespace medlsam::cuda
