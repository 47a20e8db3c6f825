#include "localization/similarity/peaks.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

using namespace medlsam;

namespace {

std::size_t cube(int edge) {
  return std::size_t{1} * edge * edge * edge;
}

// Features that resemble a network's: not negative, and smooth, so that neighbors are similar.
std::vector<float> smooth_features(int channels, int edge, std::mt19937& generator) {
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> features(channels * cube(edge));
  for (int c = 0; c < channels; ++c) {
    const float shift = uniform(generator),
                along[3] = {uniform(generator), uniform(generator), uniform(generator)};
    for (std::size_t v = 0; v < cube(edge); ++v) {
      const auto at = static_cast<int>(v);
      const float place[3] = {static_cast<float>(at / edge / edge), static_cast<float>(at / edge % edge),
                              static_cast<float>(at % edge)};
      float phase = 6 * shift;
      for (int a = 0; a < 3; ++a) phase += 12 * along[a] * place[a] / static_cast<float>(edge);
      features[c * cube(edge) + v] = std::max(0.F, std::sin(phase) + 0.1F * uniform(generator));
    }
  }
  return features;
}

// A patch with kernels of several points, each of one support: that patch's features at its middle.
struct Patch {
  Patch(int channels_of, int edge_of, int points, unsigned seed) : channels(channels_of), edge(edge_of) {
    std::mt19937 generator(seed);
    for (int k = 0; k < 3; ++k) {
      features.push_back(smooth_features(channels, edge >> (2 - k), generator));
      scales.push_back({features[k].data(), {}, edge >> (2 - k), 2 << k});
    }
    kernels.resize(3 * points);
    for (int i = 0; i < 3 * points; ++i) {
      const int k = i % 3;
      const auto support = smooth_features(channels, edge >> (2 - k), generator);
      kernels[i].resize(channels * cube(2 << k));
      add_template_kernel(support.data(), channels, edge >> (2 - k), 2 << k, kernels[i]);
      scales[k].kernels.push_back(kernels[i].data());
    }
  }

  std::vector<SimilarityPeak> peaks(std::span<const Nearness> points, unsigned threads = 1) const {
    Task task;
    task.threads = threads;
    SimilarityScratch scratch;
    return find_peaks(scales, channels, edge, points, scratch, task);
  }

  std::vector<float> maps(std::size_t points) const {
    std::vector<float> maps(points * cube(edge));
    SimilarityScratch scratch;
    similarity_maps(scales, channels, edge, maps, scratch, Task{});
    return maps;
  }

  int channels, edge;
  std::vector<std::vector<float>> features, kernels;
  std::vector<SimilarityScale> scales;
};

float at(std::span<const float> map, int edge, const std::array<int, 3>& voxel) {
  return map[(voxel[0] * edge + voxel[1]) * edge + voxel[2]];
}

}  // namespace

TEST_CASE("peaks are those of the whole maps") {
  for (unsigned seed : {1U, 2U, 3U, 4U}) {
    const Patch patch(6, seed % 2 ? 32 : 48, 3, seed);
    std::vector<Nearness> points(3);
    if (seed > 2) points = {{{3, 40, 11}, 1e-3F}, {{-5, 10, 60}, 1e-4F}, {{20, 20, 20}, 0.1F}};
    const auto maps = patch.maps(3);
    const auto peaks = patch.peaks(points);
    for (std::size_t i = 0; i < 3; ++i) {
      const auto map = std::span(maps).subspan(i * cube(patch.edge), cube(patch.edge));
      CHECK(peaks[i].voxel == find_peak(map, patch.edge, points[i]));
      CHECK(std::abs(peaks[i].value - at(map, patch.edge, find_peak(map, patch.edge))) < 1e-5F);
    }
  }
}

TEST_CASE("peaks do not depend on the number of threads, nor on the other points") {
  const Patch patch(6, 32, 3, 5), alone(6, 32, 1, 5);
  const std::vector<Nearness> points(3);
  const auto one = patch.peaks(points, 1), three = patch.peaks(points, 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(one[i].voxel == three[i].voxel);
    CHECK(one[i].value == three[i].value);
  }
  const SimilarityPeak first = alone.peaks(std::span(points).first(1))[0];
  CHECK(first.voxel == one[0].voxel);
  CHECK(first.value == one[0].value);
}

TEST_CASE("a part of a scale is that part of the whole") {
  const Patch patch(5, 48, 1, 6);
  std::vector<float> whole(cube(48), 0.F);
  SimilarityScratch scratch;
  for (const SimilarityScale& scale : patch.scales) {
    std::fill(whole.begin(), whole.end(), 0.F);
    add_scale(scale, 5, 48, {{0, 0, 0}, {48, 48, 48}}, {{whole}}, scratch, Task{});
    for (const MapBox& box : {MapBox{{0, 0, 0}, {1, 1, 1}}, MapBox{{47, 40, 0}, {1, 8, 17}},
                              MapBox{{10, 3, 21}, {30, 25, 27}}, MapBox{{5, 5, 5}, {3, 11, 9}}}) {
      std::vector<float> part(std::size_t{1} * box.size[0] * box.size[1] * box.size[2], 0.F);
      add_scale(scale, 5, 48, box, {{part}}, scratch, Task{});
      float largest = 0;
      const float* value = part.data();
      for (int z = 0; z < box.size[0]; ++z) {
        for (int y = 0; y < box.size[1]; ++y) {
          for (int x = 0; x < box.size[2]; ++x, ++value) {
            const float wanted = at(whole, 48, {box.first[0] + z, box.first[1] + y, box.first[2] + x});
            largest = std::max(largest, std::abs(*value - wanted));
          }
        }
      }
      CHECK(largest < 2e-6F);
    }
  }
}

TEST_CASE("one scale alone is searched whole") {
  Patch patch(3, 32, 1, 7);
  patch.scales.erase(patch.scales.begin(), patch.scales.begin() + 2);
  const Nearness anywhere[1] = {};
  CHECK(patch.peaks(anywhere)[0].voxel == find_peak(patch.maps(1), 32));
}

TEST_CASE("points whose maps are searched whole together find what each finds alone") {
  Patch patch(5, 32, 4, 8);
  patch.scales.erase(patch.scales.begin(), patch.scales.begin() + 2);
  // Without other scales nothing is ruled out, but by nearness.
  const std::vector<Nearness> points{{}, {{3, 20, 11}, 1e-3F}, {}, {}};
  const auto together = patch.peaks(points);
  for (std::size_t i = 0; i < 4; ++i) {
    Patch alone = patch;
    alone.scales[0].kernels = {patch.scales[0].kernels[i]};
    const SimilarityPeak peak = alone.peaks(std::span(points).subspan(i, 1))[0];
    CHECK(peak.voxel == together[i].voxel);
    CHECK(peak.value == together[i].value);
  }
}

TEST_CASE("features that are not numbers give a peak that is none") {
  for (int scale : {0, 2}) {
    Patch patch(2, 32, 1, 1);
    std::fill(patch.features[scale].begin(), patch.features[scale].end(),
              std::numeric_limits<float>::quiet_NaN());
    const Nearness anywhere[1] = {};
    const SimilarityPeak peak = patch.peaks(anywhere)[0];
    CHECK(peak.voxel == std::array{0, 0, 0});
    CHECK(std::isnan(peak.value));
  }
}

TEST_CASE("the first of equal maxima is the peak") {
  std::vector<float> map(27, 1.F);
  map[14] = map[20] = 2;
  CHECK(find_peak(map, 3) == std::array{1, 1, 2});
}

TEST_CASE("near the start a lower maximum is preferred, as far as its fall says") {
  std::vector<float> map(5 * 5 * 5, 1.F);
  map[0] = 2;                    // (0, 0, 0)
  map[(4 * 5 + 4) * 5 + 3] = 3;  // (4, 4, 3)
  // Squared distances from the start are 1 and 50.
  const auto found = [&](float fall) { return find_peak(map, 5, {{-1, 0, 0}, fall}); };
  CHECK(found(0) == find_peak(map, 5));
  CHECK(found(0.0203F) == std::array{4, 4, 3});
  CHECK(found(0.0205F) == std::array{0, 0, 0});
  std::fill(map.begin(), map.end(), std::numeric_limits<float>::quiet_NaN());
  CHECK(found(1) == std::array{0, 0, 0});
}
