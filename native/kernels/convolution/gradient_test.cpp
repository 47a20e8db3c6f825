// The gradients of the convolution's weights and of what surrounds it, against their definitions in double
// precision.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "base/aligned_memory.hpp"
#include "kernels/convolution/activations_gradient.hpp"
#include "kernels/convolution/channels_last.hpp"
#include "kernels/convolution/weight_gradient.hpp"
#include "kernels/convolution/winograd.hpp"

namespace medlsam::convolution {
namespace {

// (image, z, y, x, channel) values, and the same in blocks.
struct Voxels {
  BlockedLayout layout;
  std::vector<float> last;
  AlignedFloats blocked;
  std::vector<float> scale, offset;

  Voxels(std::int64_t images, std::int64_t channels, const Extents& extents, std::mt19937& random)
      : layout(images, channels, extents), blocked(layout.floats()) {
    std::normal_distribution<float> normal(0.1f, 1);
    last.resize(static_cast<std::size_t>(images * extents.voxels() * channels));
    for (float& value : last) value = normal(random);
    from_channels_last(last.data(), layout, blocked.data(), {});
    const auto padded = static_cast<std::size_t>(images * layout.padded_channels());
    scale.assign(padded, 1), offset.assign(padded, 0);
  }

  double at(std::int64_t image, std::int64_t c, std::int64_t z, std::int64_t y, std::int64_t x) const {
    const Extents& e = layout.extents;
    if (z < 0 || y < 0 || x < 0 || z >= e.z || y >= e.y || x >= e.x) return 0;
    return static_cast<double>(
        last[static_cast<std::size_t>((((image * e.z + z) * e.y + y) * e.x + x) * layout.channels + c)]);
  }
  Activations activations(float floor = -std::numeric_limits<float>::infinity()) const {
    return {layout, blocked.data(), scale.data(), offset.data(), floor};
  }
};

// body(image, z, y, x)
template <class Body>
void for_each_voxel(const BlockedLayout& layout, const Body& body) {
  const Extents& e = layout.extents;
  for (std::int64_t i = 0; i < layout.images * e.voxels(); ++i)
    body(i / e.voxels(), i / e.x / e.y % e.z, i / e.x % e.y, i % e.x);
}

// Largest difference of a weight's gradient from its definition, of the gradients' deviation.
double weight_error(const std::vector<const Voxels*>& sources, const Voxels& gradient,
                    const std::vector<float>& found) {
  double most = 0, squares = 0;
  std::size_t place = 0, in = 0;
  for (const Voxels* source : sources) in += static_cast<std::size_t>(source->layout.channels);
  for (std::int64_t o = 0; o < gradient.layout.channels; ++o) {
    for (const Voxels* source : sources) {
      for (std::int64_t i = 0; i < source->layout.channels; ++i) {
        for (std::int64_t tap = 0; tap < 27; ++tap, ++place) {
          double sum = 0;
          for_each_voxel(gradient.layout,
                         [&](std::int64_t image, std::int64_t z, std::int64_t y, std::int64_t x) {
                           sum += gradient.at(image, o, z, y, x) *
                                  source->at(image, i, z + tap / 9 - 1, y + tap / 3 % 3 - 1, x + tap % 3 - 1);
                         });
          most = std::max(most, std::abs(sum - static_cast<double>(found[place])));
          squares += sum * sum;
        }
      }
    }
  }
  CHECK(place == found.size());
  return most / std::sqrt(squares / static_cast<double>(found.size()));
}

void check_weight_gradient(std::int64_t images, std::vector<std::int64_t> in, std::int64_t out,
                           const Extents& extents) {
  std::mt19937 random(7);
  std::vector<Voxels> voxels;
  std::int64_t channels = 0;
  for (const std::int64_t each : in) {
    voxels.emplace_back(images, each, extents, random);
    channels += each;
  }
  const Voxels gradient(images, out, extents, random);
  std::vector<Source> sources;
  std::vector<const Voxels*> pointers;
  for (const Voxels& each : voxels) {
    sources.push_back({each.activations(), false});
    pointers.push_back(&each);
  }
  std::vector<float> one(static_cast<std::size_t>(out * channels * 27)), three(one.size());
  for (auto* found : {&one, &three}) {
    Task task;
    task.threads = found == &one ? 1 : 3;
    const AlignedFloats scratch(weight_gradient_scratch(channels, gradient.layout, task.threads));
    weight_gradient(sources, gradient.layout, gradient.blocked.data(), found->data(), scratch.data(), task);
  }
  CHECK(one == three);
  CHECK(weight_error(pointers, gradient, one) < 2e-5);
}

TEST_CASE("weights' gradient: its definition") {
  check_weight_gradient(1, {16}, 16, {8, 8, 12});     // tiles of 4³, several ranges
  check_weight_gradient(2, {3, 5}, 7, {9, 6, 7});     // no whole tiles, channels that fill no vector
  check_weight_gradient(2, {16, 32}, 64, {3, 3, 3});  // items of panels
  check_weight_gradient(3, {4}, 20, {2, 5, 1});
}

TEST_CASE("weights' gradient of a single channel: its definition") {
  std::mt19937 random(8);
  const Voxels source(2, 1, {5, 6, 7}, random), gradient(2, 19, {5, 6, 7}, random);
  std::vector<float> found(19 * 27);
  weight_gradient_of_one_channel(source.last.data(), gradient.layout, gradient.blocked.data(), found.data(),
                                 {});
  CHECK(weight_error({&source}, gradient, found) < 2e-5);
}

TEST_CASE("channels last to blocks and back") {
  std::mt19937 random(9);
  const Voxels voxels(2, 21, {3, 5, 4}, random);
  std::vector<float> back(voxels.last.size());
  to_channels_last(voxels.activations(), back.data(), {});
  CHECK(back == voxels.last);
  to_channels_last(voxels.activations(0), back.data(), {});
  CHECK(std::ranges::equal(back, voxels.last,
                           [](float ours, float value) { return ours == std::max(value, 0.0f); }));
}

TEST_CASE("upsampling's gradient: each value's share of what was interpolated from it") {
  std::mt19937 random(10);
  const Extents small = {3, 2, 4};
  const Voxels large(2, 5, {6, 4, 8}, random);
  const BlockedLayout layout(2, 5, small);
  const AlignedFloats blocked(layout.floats());
  upsampling_gradient(large.layout, large.blocked.data(), layout, blocked.data(), {});
  const std::vector<float> ones(static_cast<std::size_t>(2 * layout.padded_channels()), 1),
      zeros(ones.size(), 0);
  std::vector<float> found(static_cast<std::size_t>(2 * small.voxels() * 5));
  to_channels_last(
      {layout, blocked.data(), ones.data(), zeros.data(), -std::numeric_limits<float>::infinity()},
      found.data(), {});
  // The share of voxel i in the interpolation of voxel j of twice the extent.
  const auto share = [](std::int64_t i, std::int64_t j, std::int64_t extent) {
    const double at =
        std::clamp((static_cast<double>(j) + 0.5) / 2 - 0.5, 0.0, static_cast<double>(extent - 1));
    return std::max(0.0, 1 - std::abs(at - static_cast<double>(i)));
  };
  std::vector<double> wanted(found.size());
  for_each_voxel(large.layout, [&](std::int64_t image, std::int64_t z, std::int64_t y, std::int64_t x) {
    for (std::int64_t i = 0; i < small.voxels(); ++i) {
      const double part = share(i / 8, z, 3) * share(i / 4 % 2, y, 2) * share(i % 4, x, 4);
      for (std::int64_t c = 0; c < 5; ++c)
        wanted[static_cast<std::size_t>((image * small.voxels() + i) * 5 + c)] +=
            part * large.at(image, c, z, y, x);
    }
  });
  for (std::size_t i = 0; i < found.size(); ++i)
    CHECK(static_cast<double>(found[i]) == doctest::Approx(wanted[i]).epsilon(1e-5));
}

TEST_CASE("weights of a step are those that are kept, to single precision") {
  std::mt19937 random(11);
  std::normal_distribution<float> normal;
  std::vector<float> weights(37 * 21 * 27);
  for (float& weight : weights) weight = normal(random);
  for (const int tile : {2, 4}) {
    const WinogradWeights kept(weights.data(), 37, 21, tile);
    const std::size_t floats = WinogradWeights::floats(37, 21, tile);
    const AlignedFloats memory(floats);
    const auto packed = WinogradWeights::of_a_step(weights.data(), 37, 21, tile, memory.data(), {});
    double most = 0;
    for (std::size_t i = 0; i < floats; ++i)
      most = std::max(most, std::abs(static_cast<double>(kept.product(0)[i] - packed.product(0)[i])));
    CHECK(most < 1e-5);
  }
}

}  // namespace
}  // namespace medlsam::convolution
