#include "kernels/convolution/direct.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/parallel.hpp"
#include "base/simd.hpp"
#include "kernels/convolution/row_products.hpp"
#include "kernels/convolution/tile_reader.hpp"
#include "kernels/convolution/weight_transforms.hpp"

namespace medlsam::convolution {
namespace {

constexpr std::int64_t kVoxelsOfItem = 256;  // single precision is enough for their moments

// Voxels [first, first + count) of an image, in row-major order, and the channels of one panel.
template <int kLanes>
class Item {
 public:
  static constexpr int kRows = kBlockRows<kLanes>;

  Item(const PaddedImage& image, const DirectWeights& weights, const ConvolutionOutput& output,
       std::int64_t index, std::int64_t first_block, std::int64_t first, std::int64_t count)
      : image_(image),
        weights_(weights),
        output_(output),
        index_(index),
        first_block_(first_block),
        vectors_(panel_vectors(output.layout.blocks - first_block)),
        count_(count) {
    const Extents& extents = image.extents();
    const BlockedLayout& layout = output.layout;
    std::int64_t x = first % extents.x, y = first / extents.x % extents.y, z = first / extents.x / extents.y;
    for (std::int64_t i = 0; i < count; ++i) {
      inputs_[i] = image.corner(z, y, x);
      outputs_[i] = z * layout.plane + y * layout.row + x * kLanes;
      if (++x == extents.x) x = 0, ++y;
      if (y == extents.y) y = 0, ++z;
    }
    // A register block may go beyond the last voxel.
    for (std::int64_t i = count; i < count + kRows; ++i) inputs_[i] = inputs_[count - 1];
  }

  // results: (kVoxelsOfItem + kRows, panel's channels)
  MEDLSAM_INLINE void multiply(float* results) const {
    // Along x the three voxels of a row's taps follow one another.
    std::int64_t runs[9];
    for (int i = 0; i < 9; ++i) runs[i] = i / 3 * image_.plane() + i % 3 * image_.row();
    if (image_.channels() == 1) {
      multiply<3>(runs, results);
    } else {
      multiply<0>(runs, results);
    }
  }

  // Puts the results in their places; adds their moments to `moments` (panel's channels), unless that is
  // null.
  MEDLSAM_INLINE void write(const float* results, Moments* moments) const {
    for (std::int64_t v = 0; v < vectors_; ++v) {
      float* const origin = output_.values + output_.layout.origin(index_, first_block_ + v);
      Vector<kLanes> sum = {}, squares = {}, value;
      for (std::int64_t i = 0; i < count_; ++i) {
        load<kLanes>(value, results + (i * vectors_ + v) * kLanes);
        store<kLanes>(value, origin + outputs_[i]);
        sum += value;
      }
      if (moments == nullptr) continue;
      const Vector<kLanes> mean = sum * (1 / static_cast<float>(count_));
      for (std::int64_t i = 0; i < count_; ++i) {
        load<kLanes>(value, results + (i * vectors_ + v) * kLanes);
        squares += (value - mean) * (value - mean);
      }
      for (int i = 0; i < kLanes; ++i) {
        const auto m = static_cast<double>(mean[i]), s = static_cast<double>(sum[i]);
        moments[v * kLanes + i].sum += s;
        moments[v * kLanes + i].squares +=
            static_cast<double>(squares[i]) + m * (2 * s - static_cast<double>(count_) * m);
      }
    }
  }

 private:
  // `kLength`: of a run, where it is known.
  template <int kLength>
  MEDLSAM_INLINE void multiply(const std::int64_t (&runs)[9], float* results) const {
    const std::int64_t width = vectors_ * kLanes, length = kLength > 0 ? kLength : 3 * image_.channels();
    for (std::int64_t voxel = 0; voxel < count_; voxel += kRows) {
      const float* rows[kRows];
      for (int r = 0; r < kRows; ++r) rows[r] = inputs_[voxel + r];
      float* const out = results + voxel * width;
      multiply_rows<kLanes, kRows>(
          vectors_, rows, runs, 9, length, weights_.panel(first_block_),
          [&](int r, int v, const Vector<kLanes>& sum)
              __attribute__((always_inline)) { store<kLanes>(sum, out + r * width + v * kLanes); });
    }
  }

  const PaddedImage& image_;
  const DirectWeights& weights_;
  const ConvolutionOutput& output_;
  const std::int64_t index_, first_block_, vectors_, count_;
  const float* inputs_[kVoxelsOfItem + kRows];
  std::int64_t outputs_[kVoxelsOfItem];
};

// The channels of one block of a source, tile by tile. `out`: the image's first voxel.
template <int kLanes>
MEDLSAM_INLINE void copy_block(const TileReader<kLanes, kTile>& reader, const Extents& extents,
                               std::int64_t used, std::int64_t row, std::int64_t plane, std::int64_t channels,
                               float* out) {
  using Line = typename TileReader<kLanes, kTile>::Line;
  for (std::int64_t z = 0; z < extents.z; z += kTile) {
    for (std::int64_t y = 0; y < extents.y; y += kTile) {
      for (std::int64_t x = 0; x < extents.x; x += kTile) {
        reader.read(
            {z, y, x}, [](Line&) {},
            [&](int column, const Line& line) __attribute__((always_inline)) {
              const std::int64_t j = column / (kTile + 2) - 1, k = column % (kTile + 2) - 1;
              if (j < 0 || k < 0 || j >= kTile || k >= kTile || y + j >= extents.y || x + k >= extents.x)
                return;
              for (std::int64_t i = 0; i < std::min<std::int64_t>(kTile, extents.z - z); ++i)
                std::memcpy(out + (z + i) * plane + (y + j) * row + (x + k) * channels, &line[i + 1],
                            static_cast<std::size_t>(used) * sizeof(float));
            });
      }
    }
  }
}

}  // namespace

DirectWeights::DirectWeights(const float* weights, std::int64_t out, std::int64_t in) : out_(out), in_(in) {
  const std::int64_t lanes = block_lanes(), blocks = (out + lanes - 1) / lanes;
  step_ = kTaps * in * lanes;
  packed_ = AlignedFloats::zeros(static_cast<std::size_t>(blocks * step_));
  std::int64_t vectors = 0;
  for (std::int64_t first = 0; first < blocks; first += vectors) {
    vectors = panel_vectors(blocks - first);
    float* const panel = packed_.data() + first * step_;
    const std::int64_t width = vectors * lanes, end = std::min(out, first * lanes + width);
    for (std::int64_t o = first * lanes; o < end; ++o) {
      for (std::int64_t i = 0; i < in; ++i) {
        for (std::int64_t tap = 0; tap < kTaps; ++tap)
          panel[(tap * in + i) * width + o - first * lanes] = weights[(o * in + i) * kTaps + tap];
      }
    }
  }
}

PaddedImage::PaddedImage(Extents extents, std::int64_t channels, float* memory)
    : extents_(extents),
      channels_(channels),
      row_((extents.x + 2) * channels),
      plane_((extents.y + 2) * row_),
      values_(memory) {
  std::fill_n(values_, floats(extents, channels), 0.0f);
}

std::size_t PaddedImage::floats(Extents extents, std::int64_t channels) {
  return static_cast<std::size_t>((extents.z + 2) * (extents.y + 2) * (extents.x + 2) * channels);
}

void PaddedImage::fill(const float* rows, const Task& task) {
  parallel_for(task, static_cast<std::size_t>(extents_.z), [&](std::size_t item, std::size_t) {
    const auto z = static_cast<std::int64_t>(item);
    for (std::int64_t c = 0; c < channels_; ++c) {
      const float* from = rows + (c * extents_.z + z) * extents_.y * extents_.x;
      for (std::int64_t y = 0; y < extents_.y; ++y, from += extents_.x) {
        float* const to = values_ + (z + 1) * plane_ + (y + 1) * row_ + channels_ + c;
        for (std::int64_t x = 0; x < extents_.x; ++x) to[x * channels_] = from[x];
      }
    }
  });
}

void PaddedImage::fill(std::span<const Source> sources, std::int64_t image, const Task& task) {
  std::int64_t channel = 0;
  for (const Source& source : sources) {
    const BlockedLayout& layout = source.activations.layout;
    parallel_for(task, static_cast<std::size_t>(layout.blocks), [&](std::size_t block, std::size_t) {
      const std::int64_t first = static_cast<std::int64_t>(block) * layout.lanes;
      run_simd([&](auto lanes) __attribute__((always_inline)) {
        copy_block<lanes>(TileReader<lanes, kTile>(source, image, static_cast<std::int64_t>(block)), extents_,
                          std::min(layout.lanes, layout.channels - first), row_, plane_, channels_,
                          values_ + plane_ + row_ + channels_ + channel + first);
      });
    });
    channel += layout.channels;
  }
}

void convolve_direct(const PaddedImage& image, const DirectWeights& weights, const ConvolutionOutput& output,
                     std::int64_t index, const Task& task) {
  const BlockedLayout& layout = output.layout;
  const std::int64_t voxels = layout.extents.voxels(), parts = (voxels + kVoxelsOfItem - 1) / kVoxelsOfItem;
  std::vector<std::int64_t> panels;  // their first blocks
  for (std::int64_t block = 0; block < layout.blocks; block += panel_vectors(layout.blocks - block))
    panels.push_back(block);
  const std::int64_t items = parts * static_cast<std::int64_t>(panels.size()),
                     channels = layout.padded_channels();
  std::vector<Moments> moments(output.moments == nullptr ? 0 : static_cast<std::size_t>(parts * channels));
  parallel_for(task, static_cast<std::size_t>(items), [&](std::size_t item, std::size_t) {
    const std::int64_t part = static_cast<std::int64_t>(item) % parts;
    const std::int64_t block = panels[static_cast<std::size_t>(static_cast<std::int64_t>(item) / parts)];
    const std::int64_t first = part * kVoxelsOfItem;
    run_simd([&](auto lanes) __attribute__((always_inline)) {
      // A register block may go beyond the last voxel.
      float results[(kVoxelsOfItem + kBlockRows<lanes>)*kBlockVectors * lanes];
      const Item<lanes> work(image, weights, output, index, block, first,
                             std::min(kVoxelsOfItem, voxels - first));
      work.multiply(results);
      work.write(results, moments.empty() ? nullptr : moments.data() + part * channels + block * lanes);
    });
  });
  if (output.moments == nullptr) return;
  Moments* const sums = output.moments + index * channels;
  std::fill_n(sums, channels, Moments{});
  for (std::int64_t part = 0; part < parts; ++part) {
    for (std::int64_t c = 0; c < channels; ++c) {
      sums[c].sum += moments[static_cast<std::size_t>(part * channels + c)].sum;
      sums[c].squares += moments[static_cast<std::size_t>(part * channels + c)].squares;
    }
  }
}

}  // namespace medlsam::convolution
