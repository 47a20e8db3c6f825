#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "base/executor.hpp"
#include "kernels/convolution/direct.hpp"
#include "kernels/convolution/winograd.hpp"

namespace medlsam::convolution {
namespace {

constexpr float kNothing = -std::numeric_limits<float>::infinity();

// Row-major (images, channels, z, y, x) in double precision.
struct Reference {
  std::int64_t images, channels;
  Extents extents;
  std::vector<double> values;

  double at(std::int64_t image, std::int64_t c, std::int64_t z, std::int64_t y, std::int64_t x) const {
    if (z < 0 || y < 0 || x < 0 || z >= extents.z || y >= extents.y || x >= extents.x) return 0;
    return values[static_cast<std::size_t>(
        (((image * channels + c) * extents.z + z) * extents.y + y) * extents.x + x)];
  }
};

// A source as both sides see it: normalized activations, or values to which nothing is done.
class RandomSource {
 public:
  RandomSource(std::int64_t images, std::int64_t channels, Extents extents, bool normalized,
               std::mt19937& random)
      : layout_(images, channels, extents), blocked_(layout_.floats()) {
    std::normal_distribution<float> normal(0.3f, 1);
    std::vector<float> rows(static_cast<std::size_t>(images * channels * extents.voxels()));
    for (float& value : rows) value = normal(random);
    from_rows(rows.data(), layout_, blocked_.data(), {});
    const auto padded = static_cast<std::size_t>(images * layout_.padded_channels());
    scale_.assign(padded, 1), offset_.assign(padded, 0);
    if (normalized) {
      fill_border(layout_, blocked_.data(), kNothing, {});
      for (float& value : scale_) value = std::abs(normal(random));
      for (float& value : offset_) value = normal(random);
    }
    activations_ = {layout_, blocked_.data(), scale_.data(), offset_.data(), normalized ? 0 : kNothing};
    reference_ = {images, channels, extents, {}};
    const std::int64_t voxels = extents.voxels();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::int64_t plane = static_cast<std::int64_t>(i) / voxels;
      const auto c =
          static_cast<std::size_t>(plane / channels * layout_.padded_channels() + plane % channels);
      const double value =
          static_cast<double>(rows[i]) * static_cast<double>(scale_[c]) + static_cast<double>(offset_[c]);
      reference_.values.push_back(normalized ? std::max(0.0, value) : value);
    }
  }

  Activations activations() const { return activations_; }
  const Reference& reference() const { return reference_; }

 private:
  BlockedLayout layout_;
  AlignedFloats blocked_;
  std::vector<float> scale_, offset_;
  Activations activations_;
  Reference reference_;
};

double upsampled_at(const Reference& small, std::int64_t image, std::int64_t c, std::int64_t z,
                    std::int64_t y, std::int64_t x) {
  const std::int64_t at[] = {z, y, x}, extents[] = {small.extents.z, small.extents.y, small.extents.x};
  std::int64_t low[3], high[3];
  double part[3];
  for (int a = 0; a < 3; ++a) {
    const double place =
        std::clamp((static_cast<double>(at[a]) + 0.5) / 2 - 0.5, 0.0, static_cast<double>(extents[a] - 1));
    low[a] = static_cast<std::int64_t>(place);
    high[a] = std::min(low[a] + 1, extents[a] - 1);
    part[a] = place - static_cast<double>(low[a]);
  }
  double sum = 0;
  for (int corner = 0; corner < 8; ++corner) {
    const bool up[] = {(corner & 4) != 0, (corner & 2) != 0, (corner & 1) != 0};
    double weight = 1;
    for (int a = 0; a < 3; ++a) weight *= up[a] ? part[a] : 1 - part[a];
    sum += weight *
           small.at(image, c, up[0] ? high[0] : low[0], up[1] ? high[1] : low[1], up[2] ? high[2] : low[2]);
  }
  return sum;
}

Reference upsampled(const Reference& small) {
  Reference large = {
      small.images, small.channels, {2 * small.extents.z, 2 * small.extents.y, 2 * small.extents.x}, {}};
  for (std::int64_t plane = 0; plane < small.images * small.channels; ++plane) {
    for (std::int64_t z = 0; z < large.extents.z; ++z) {
      for (std::int64_t y = 0; y < large.extents.y; ++y) {
        for (std::int64_t x = 0; x < large.extents.x; ++x)
          large.values.push_back(
              upsampled_at(small, plane / small.channels, plane % small.channels, z, y, x));
      }
    }
  }
  return large;
}

Reference convolved(const std::vector<Reference>& sources, const std::vector<float>& weights,
                    std::int64_t out) {
  Reference result = {sources[0].images, out, sources[0].extents, {}};
  std::int64_t in = 0;
  for (const Reference& source : sources) in += source.channels;
  for (std::int64_t image = 0; image < result.images; ++image) {
    for (std::int64_t o = 0; o < out; ++o) {
      for (std::int64_t voxel = 0; voxel < result.extents.voxels(); ++voxel) {
        const std::int64_t x = voxel % result.extents.x, y = voxel / result.extents.x % result.extents.y,
                           z = voxel / result.extents.x / result.extents.y;
        double sum = 0;
        std::int64_t i = 0;
        for (const Reference& source : sources) {
          for (std::int64_t c = 0; c < source.channels; ++c, ++i) {
            for (std::int64_t tap = 0; tap < 27; ++tap)
              sum += static_cast<double>(weights[static_cast<std::size_t>((o * in + i) * 27 + tap)]) *
                     source.at(image, c, z + tap / 9 - 1, y + tap / 3 % 3 - 1, x + tap % 3 - 1);
          }
        }
        result.values.push_back(sum);
      }
    }
  }
  return result;
}

Reference pooled(const Reference& large) {
  Reference small = {
      large.images, large.channels, {large.extents.z / 2, large.extents.y / 2, large.extents.x / 2}, {}};
  for (std::int64_t plane = 0; plane < small.images * small.channels; ++plane) {
    for (std::int64_t voxel = 0; voxel < small.extents.voxels(); ++voxel) {
      const std::int64_t x = voxel % small.extents.x, y = voxel / small.extents.x % small.extents.y,
                         z = voxel / small.extents.x / small.extents.y;
      double greatest = -1e30;
      for (int i = 0; i < 8; ++i)
        greatest = std::max(greatest, large.at(plane / small.channels, plane % small.channels, 2 * z + i / 4,
                                               2 * y + i / 2 % 2, 2 * x + i % 2));
      small.values.push_back(greatest);
    }
  }
  return small;
}

// A convolution's output, read back.
struct Result {
  std::vector<float> values, pooled;
  std::vector<Moments> moments;
};

struct Trial {
  std::int64_t images, first, second, out;  // channels; a second source only if there is one
  Extents extents;                          // even where the first source is upsampled
  bool is_upsampled, normalized;

  void run(int tile, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    const std::int64_t in = first + second;
    const Extents half = {extents.z / 2, extents.y / 2, extents.x / 2};
    const RandomSource a(images, first, is_upsampled ? half : extents, normalized, random);
    std::vector<Source> sources = {{a.activations(), is_upsampled}};
    std::vector<Reference> references = {is_upsampled ? upsampled(a.reference()) : a.reference()};
    const RandomSource b(images, std::max<std::int64_t>(second, 1), extents, normalized, random);
    if (second > 0) {
      sources.push_back({b.activations(), false});
      references.push_back(b.reference());
    }
    std::vector<float> weights(static_cast<std::size_t>(out * in * 27));
    for (float& weight : weights) weight = normal(random) / std::sqrt(27.0f * static_cast<float>(in));

    const Result one = convolve(tile, sources, weights, 1), three = convolve(tile, sources, weights, 3);
    CHECK(one.values == three.values);
    CHECK(one.pooled == three.pooled);
    const Reference wanted = convolved(references, weights, out);
    compare(one.values, wanted.values);
    compare(one.pooled, pooled(wanted).values);
    check_moments(one.moments, wanted);
  }

  // `tile`: of Winograd's filtering, or 0.
  Result convolve(int tile, const std::vector<Source>& sources, const std::vector<float>& weights,
                  unsigned threads) const {
    Task task;
    task.threads = threads;
    const BlockedLayout layout(images, out, extents);
    const BlockedLayout pooled_layout(images, out, {extents.z / 2, extents.y / 2, extents.x / 2});
    AlignedFloats values(layout.floats()), small(pooled_layout.floats());
    Result result;
    result.moments.resize(static_cast<std::size_t>(images * layout.padded_channels()));
    const ConvolutionOutput output = {layout, values.data(), pooled_layout, small.data(),
                                      result.moments.data()};
    if (tile > 0) {
      const WinogradWeights packed(weights.data(), out, first + second, tile);
      AlignedFloats scratch(winograd_scratch(packed, layout, threads));
      convolve_winograd(sources, packed, output, scratch.data(), task);
    } else {
      AlignedFloats memory(PaddedImage::floats(extents, first + second));
      PaddedImage image(extents, first + second, memory.data());
      for (std::int64_t i = 0; i < images; ++i) {
        image.fill(sources, i, task);
        convolve_direct(image, DirectWeights(weights.data(), out, first + second), output, i, task);
      }
      max_pool(layout, values.data(), pooled_layout, small.data(), task);
    }
    const std::vector<float> ones(result.moments.size(), 1), zeros(result.moments.size(), 0);
    result.values.resize(static_cast<std::size_t>(images * out * extents.voxels()));
    to_rows({layout, values.data(), ones.data(), zeros.data(), kNothing}, result.values.data(), task);
    result.pooled.resize(static_cast<std::size_t>(images * out * pooled_layout.extents.voxels()));
    to_rows({pooled_layout, small.data(), ones.data(), zeros.data(), kNothing}, result.pooled.data(), task);
    return result;
  }

  static void compare(const std::vector<float>& found, const std::vector<double>& wanted) {
    REQUIRE(found.size() == wanted.size());
    double worst = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      const double error = std::abs(static_cast<double>(found[i]) - wanted[i]);
      worst = error <= worst ? worst : error;  // a NaN is worst of all
    }
    CHECK(worst < 4e-5);
  }

  void check_moments(const std::vector<Moments>& moments, const Reference& wanted) const {
    const BlockedLayout layout(images, out, extents);
    std::vector<float> scale(moments.size()), offset(moments.size());
    normalization(layout, moments.data(), 1e-5, scale.data(), offset.data());
    const std::int64_t voxels = extents.voxels();
    for (std::int64_t plane = 0; plane < images * out; ++plane) {
      double mean = 0, variance = 0;
      const double* const values = wanted.values.data() + plane * voxels;
      for (std::int64_t i = 0; i < voxels; ++i) mean += values[i] / static_cast<double>(voxels);
      for (std::int64_t i = 0; i < voxels; ++i)
        variance += (values[i] - mean) * (values[i] - mean) / static_cast<double>(voxels);
      const auto c = static_cast<std::size_t>(plane / out * layout.padded_channels() + plane % out);
      const double factor = 1 / std::sqrt(variance + 1e-5);
      CHECK(static_cast<double>(scale[c]) == doctest::Approx(factor).epsilon(1e-3));
      CHECK(std::abs(static_cast<double>(offset[c]) + mean * factor) < 1e-3 * (1 + factor));
    }
  }
};

constexpr Trial kTrials[] = {
    {1, 1, 0, 1, {1, 1, 1}, false, true},    {1, 3, 0, 5, {4, 4, 4}, false, true},
    {2, 16, 0, 16, {5, 6, 7}, false, true},  {1, 4, 3, 17, {8, 6, 10}, true, true},
    {2, 1, 1, 33, {2, 4, 6}, true, true},    {1, 48, 0, 96, {4, 4, 4}, false, true},
    {1, 96, 48, 48, {4, 4, 4}, true, true},  {1, 257, 0, 3, {3, 5, 2}, false, false},
    {1, 2, 0, 257, {3, 3, 9}, false, false}, {3, 7, 9, 64, {6, 4, 4}, false, false},
    {1, 2, 0, 3, {33, 32, 30}, false, true}, {1, 5, 31, 40, {1, 2, 13}, false, true},
};

}  // namespace

TEST_CASE("3×3×3 convolutions by Winograd's filtering and as they are written") {
  threads_of_process(3);
  unsigned seed = 0;
  for (Trial trial : kTrials) {
    for (const int tile : {4, 2, 0}) {
      CAPTURE(seed);
      CAPTURE(tile);
      trial.run(tile, seed);
    }
    ++seed;
  }
}

TEST_CASE("tiles suit the size of images") {
  CHECK(winograd_tile(1, {64, 64, 64}) == 4);
  CHECK(winograd_tile(1, {12, 12, 12}) == 4);
  CHECK(winograd_tile(1, {8, 8, 8}) == 2);
  CHECK(winograd_tile(1, {6, 6, 6}) == 2);
  CHECK(winograd_tile(1, {3, 3, 3}) == 0);
  CHECK(winograd_tile(1, {1, 1, 1}) == 0);
}

TEST_CASE("a patch of one channel needs no blocks") {
  std::vector<float> rows(3 * 4 * 5);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(i);
  AlignedFloats memory(PaddedImage::floats({3, 4, 5}, 1));
  PaddedImage image({3, 4, 5}, 1, memory.data());
  image.fill(rows.data(), {});
  CHECK(image.corner(1, 1, 1)[0] == 0);
  CHECK(image.corner(2, 3, 4)[0] == rows[(1 * 4 + 2) * 5 + 3]);
  CHECK(image.corner(0, 0, 0)[0] == 0);
}

}  // namespace medlsam::convolution
