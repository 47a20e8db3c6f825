// Activations between 3D convolutions: blocked by channels, so that a vector is one voxel of some channels,
// with a border around each image, so that a convolution reads no voxel it must not.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/task.hpp"

namespace medlsam::convolution {

// Floats of a block of channels at this process's instruction set: 16, 8 or 4.
int block_lanes();

inline constexpr int kTile = 4;  // voxels of the edge of the largest tile

// An image's extents along z, y, x.
struct Extents {
  std::int64_t z = 0, y = 0, x = 0;
  std::int64_t voxels() const { return z * y * x; }
  bool operator==(const Extents&) const = default;
};

// (image, block of channels, z, y, x, channel in the block). Along each spatial axis an image lies between a
// voxel before it and as many after it as whole tiles and one more voxel need. Channels that fill the last
// block up are zeros.
class BlockedLayout {
 public:
  BlockedLayout() = default;
  BlockedLayout(std::int64_t images, std::int64_t channels, Extents extents);

  std::int64_t images = 0, channels = 0;
  Extents extents;
  std::int64_t lanes = 0, blocks = 0;          // blocks of one image
  std::int64_t row = 0, plane = 0, block = 0;  // steps in floats: along y, along z, to the next block
  std::int64_t image = 0;                      // to the next image

  std::size_t floats() const { return static_cast<std::size_t>(images * image); }
  std::int64_t padded_channels() const { return blocks * lanes; }
  // Where the first voxel of a block lies, in floats.
  std::int64_t origin(std::int64_t of_image, std::int64_t of_block) const {
    return of_image * image + of_block * block + plane + row + lanes;
  }
};

// Values as a convolution left them, with what is still to be done to them: a voxel is
// max(floor, value·scale + offset), scale and offset those of its image and channel (images, padded
// channels).
struct Activations {
  BlockedLayout layout;
  float* values = nullptr;
  const float* scale = nullptr;
  const float* offset = nullptr;
  float floor = 0;  // 0 after a ReLU, −∞ where there is none
};

// Some of a convolution's input channels.
struct Source {
  Activations activations;
  bool upsampled =
      false;  // read at twice its extents: trilinear, half-pixel centres, outermost values repeated
};

// Sums over a channel's voxels, from which its mean and variance follow.
struct Moments {
  double sum = 0, squares = 0;
};

// Where a convolution writes.
struct ConvolutionOutput {
  BlockedLayout layout;
  // The convolution alone, without a bias; the border is left as it is. Null where Winograd's filtering is to
  // write the pooled values alone.
  float* values = nullptr;
  // The greatest of every 2³ voxels, or null. Its layout's extents are half of those above, rounded down.
  BlockedLayout pooled_layout;
  float* pooled = nullptr;
  Moments* moments = nullptr;  // (images, padded channels), set, or null
};

// Sets what lies around the images: −∞ becomes 0 under a ReLU, and 0 stays 0 where nothing is done to values.
void fill_border(const BlockedLayout& layout, float* values, float border, const Task& task);
// The same with a value for each channel of each image, (images, padded channels): −offset becomes 0 where
// that is added.
void fill_border(const BlockedLayout& layout, float* values, const float* borders, const Task& task);

// The scale and offset (images, padded channels) that bring each channel of each image to mean 0 and variance
// 1, with `epsilon` added to the variance. The convolution's bias would cancel.
void normalization(const BlockedLayout& layout, const Moments* moments, double epsilon, float* scale,
                   float* offset);

// Row-major (images, channels, z, y, x) to blocked values with a border of zeros, and back with all done that
// was still to be done.
void from_rows(const float* rows, const BlockedLayout& layout, float* values, const Task& task);
void to_rows(const Activations& activations, float* rows, const Task& task);

// The greatest of every 2³ voxels; what is left over at the ends is dropped. The border is left as it is.
void max_pool(const BlockedLayout& layout, const float* values, const BlockedLayout& pooled_layout,
              float* pooled, const Task& task);

}  // namespace medlsam::convolution
