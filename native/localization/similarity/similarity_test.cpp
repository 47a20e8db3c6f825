#include "localization/similarity/similarity.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "checkpoints/checkpoint.hpp"
#include "localization/similarity/peaks.hpp"

using namespace medlsam;

namespace {

std::vector<float> random_floats(std::size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> values(count);
  for (float& value : values) value = uniform(generator);
  return values;
}

std::size_t cube(int edge) {
  return std::size_t{1} * edge * edge * edge;
}

// A scale with random features, and the kernel of a random support.
struct RandomScale {
  RandomScale(int edge, int size, int channels, unsigned seed)
      : features(random_floats(channels * cube(edge), seed)), kernel(channels * cube(size)) {
    const auto support = random_floats(channels * cube(edge), seed + 1);
    add_template_kernel(support.data(), channels, edge, size, kernel);
    scale = {features.data(), {kernel.data()}, edge, size};
  }
  std::vector<float> features, kernel;
  SimilarityScale scale;
};

// The definition, in double precision and one value at a time.
class DirectMap {
 public:
  DirectMap(const SimilarityScale& scale, int channels, int patch)
      : scale_(scale), channels_(channels), patch_(patch), volume_(cube(scale.edge)), norms_(volume_) {
    for (std::size_t v = 0; v < volume_; ++v) {
      double sum = 0;
      for (int c = 0; c < channels; ++c) sum += std::pow(double{scale.features[c * volume_ + v]}, 2);
      norms_[v] = std::max(std::sqrt(sum), 1e-12);
    }
  }

  double at(int z, int y, int x) const {
    double sum = 0;
    for (int corner = 0; corner < 8; ++corner) {
      const auto [pz, wz] = tap(z, corner & 4);
      const auto [py, wy] = tap(y, corner & 2);
      const auto [px, wx] = tap(x, corner & 1);
      if (const double weight = wz * wy * wx; weight != 0) sum += weight * correlation(pz, py, px);
    }
    return sum / static_cast<double>(cube(scale_.size));
  }

 private:
  std::pair<int, double> tap(int i, bool upper) const {
    const double at = std::max(0.0, (i + 0.5) * (scale_.edge + 1) / patch_ - 0.5);
    const int low = static_cast<int>(at);
    return {std::min(low + upper, scale_.edge), upper ? at - low : 1 - (at - low)};
  }

  double correlation(int pz, int py, int px) const {
    const int n = scale_.edge, k = scale_.size;
    double sum = 0;
    for (int z = std::max(0, k / 2 - pz); z < std::min(k, n + k / 2 - pz); ++z) {
      for (int y = std::max(0, k / 2 - py); y < std::min(k, n + k / 2 - py); ++y) {
        for (int x = std::max(0, k / 2 - px); x < std::min(k, n + k / 2 - px); ++x) {
          const std::size_t v = ((pz + z - k / 2) * n + py + y - k / 2) * n + px + x - k / 2;
          const float* kernel = scale_.kernels[0] + (z * k + y) * k + x;
          double product = 0;
          for (int c = 0; c < channels_; ++c)
            product += double{scale_.features[c * volume_ + v]} * kernel[c * cube(k)];
          sum += product / norms_[v];
        }
      }
    }
    return sum;
  }

  SimilarityScale scale_;
  int channels_, patch_;
  std::size_t volume_;
  std::vector<double> norms_;
};

std::vector<float> map_of(std::span<const SimilarityScale> scales, int channels, int patch,
                          unsigned threads) {
  Task task;
  task.threads = threads;
  std::vector<float> map(cube(patch));
  SimilarityScratch scratch;
  similarity_maps(scales, channels, patch, map, scratch, task);
  return map;
}

// The largest difference from the definition, over corners and random voxels.
double largest_error(std::span<const RandomScale> scales, int channels, int patch) {
  std::vector<SimilarityScale> plain;
  std::vector<DirectMap> direct;
  for (const RandomScale& random : scales) {
    plain.push_back(random.scale);
    direct.emplace_back(random.scale, channels, patch);
  }
  const auto map = map_of(plain, channels, patch, 2);
  std::mt19937 generator(7);
  double largest = 0;
  for (int i = 0; i < 60; ++i) {
    int at[3];
    for (int axis = 0; axis < 3; ++axis) {
      at[axis] = i < 8 ? (i >> axis & 1) * (patch - 1) : static_cast<int>(generator() % patch);
    }
    double wanted = 1;
    for (const DirectMap& one : direct) wanted += one.at(at[0], at[1], at[2]);
    largest = std::max(largest, std::abs(map[(at[0] * patch + at[1]) * patch + at[2]] - wanted));
  }
  return largest;
}

std::vector<float> floats_of(const Checkpoint& file, const std::string& name) {
  const TensorView& tensor = file.tensors.at(name);
  std::vector<float> values(tensor.elements());
  to_float32(tensor, values);
  return values;
}

template <class T>
std::vector<T> integers_of(const Checkpoint& file, const std::string& name) {
  const TensorView& tensor = file.tensors.at(name);
  std::vector<T> values(tensor.elements());
  REQUIRE(tensor.bytes.size() == values.size() * sizeof(T));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

}  // namespace

TEST_CASE("similarity reproduces the conformance maps") {
  const Checkpoint file = open_checkpoint(CONFORMANCE_DIR "/medlam/similarity.safetensors");
  const int channels = 4, patch = 64, edges[] = {16, 32, 64}, sizes[] = {2, 4, 8};
  std::vector<float> features[3], kernels[3];
  for (int k = 0; k < 3; ++k) {
    features[k] = floats_of(file, "feature" + std::to_string(k));
    kernels[k] = floats_of(file, "kernel" + std::to_string(k));
  }
  const auto values = floats_of(file, "map.value"), peaks = floats_of(file, "peak");
  const auto offsets = integers_of<std::int64_t>(file, "offset");
  const auto index = integers_of<std::int32_t>(file, "map.index");

  for (int point = 0; point < 2; ++point) {
    std::vector<SimilarityScale> scales;
    for (int k = 0; k < 3; ++k) {
      scales.push_back({features[k].data() + point * channels * cube(edges[k]),
                        {kernels[k].data() + point * channels * cube(sizes[k])},
                        edges[k],
                        sizes[k]});
    }
    const auto map = map_of(scales, channels, patch, 2);
    float largest = 0;
    int compared = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::int32_t* at = &index[4 * i];
      if (at[0] != point) continue;
      largest = std::max(largest, std::abs(map[(at[1] * patch + at[2]) * patch + at[3]] - values[i]));
      ++compared;
    }
    CHECK(compared > 1000);
    CHECK(largest < 1e-4F);
    SimilarityScratch scratch;
    const Nearness anywhere[1] = {};
    const SimilarityPeak peak = find_peaks(scales, channels, patch, anywhere, scratch, Task{})[0];
    CHECK(peak.voxel == find_peak(map, patch));
    CHECK(std::abs(peak.value - peaks[point]) < 1e-4F);
    for (int axis = 0; axis < 3; ++axis) CHECK(peak.voxel[axis] - 32 + 1 == offsets[3 * point + axis]);
  }
}

TEST_CASE("similarity equals its definition in double precision") {
  SUBCASE("the coarse scale at full width") {
    const RandomScale scales[] = {{16, 2, 96, 1}};
    CHECK(largest_error(scales, 96, 64) < 1e-5);
  }
  SUBCASE("the middle scale at full width") {
    const RandomScale scales[] = {{32, 4, 96, 2}};
    CHECK(largest_error(scales, 96, 64) < 1e-5);
  }
  SUBCASE("the fine scale, an odd number of channels") {
    const RandomScale scales[] = {{64, 8, 7, 3}};
    CHECK(largest_error(scales, 7, 64) < 1e-5);
  }
  SUBCASE("all scales, one channel") {
    const RandomScale scales[] = {{16, 2, 1, 4}, {32, 4, 1, 5}, {64, 8, 1, 6}};
    CHECK(largest_error(scales, 1, 64) < 1e-5);
  }
  SUBCASE("another patch size") {
    const RandomScale scales[] = {{8, 2, 3, 7}, {16, 4, 3, 8}, {32, 8, 3, 9}};
    CHECK(largest_error(scales, 3, 32) < 1e-5);
  }
  SUBCASE("sizes that are no powers of two") {
    const RandomScale scales[] = {{13, 2, 5, 10}, {27, 6, 5, 11}, {50, 8, 5, 12}};
    CHECK(largest_error(scales, 5, 41) < 1e-5);
  }
}

TEST_CASE("similarity does not depend on the number of threads") {
  const RandomScale random[] = {{16, 2, 9, 1}, {32, 4, 9, 2}, {64, 8, 9, 3}};
  const SimilarityScale scales[] = {random[0].scale, random[1].scale, random[2].scale};
  const auto one = map_of(scales, 9, 64, 1);
  CHECK(one == map_of(scales, 9, 64, 2));
  CHECK(one == map_of(scales, 9, 64, 5));
}

TEST_CASE("without scales the map is one everywhere") {
  const auto map = map_of({}, 4, 8, 1);
  CHECK(std::all_of(map.begin(), map.end(), [](float value) { return value == 1; }));
}

TEST_CASE("a cancelled search stops") {
  const RandomScale random(16, 2, 2, 1);
  Task task;
  task.cancelled = std::make_shared<Cancellation>(true);
  std::vector<float> map(cube(64));
  try {
    SimilarityScratch scratch;
    similarity_maps({&random.scale, 1}, 2, 64, map, scratch, task);
    FAIL("not stopped");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kAborted);
  }
}

TEST_CASE("similarity refuses shapes it cannot search") {
  std::vector<float> map(cube(64));
  const RandomScale random(16, 2, 2, 1);
  const auto refused = [&](int edge, int size, int channels, std::size_t map_size) {
    const SimilarityScale scale{random.features.data(), {random.kernel.data()}, edge, size};
    try {
      SimilarityScratch scratch;
      similarity_maps({&scale, 1}, channels, 64, std::span(map).first(map_size), scratch, Task{});
    } catch (const Error& error) {
      return error.code() == ErrorCode::kBadArgument;
    }
    return false;
  };
  CHECK_FALSE(refused(16, 2, 2, map.size()));
  CHECK(refused(65, 2, 2, map.size()));
  CHECK(refused(0, 2, 2, map.size()));
  CHECK(refused(16, 3, 2, map.size()));
  CHECK(refused(16, 10, 2, map.size()));
  CHECK(refused(16, 2, 0, map.size()));
  CHECK(refused(16, 2, 2, map.size() - 1));
}

TEST_CASE("a template kernel sums the normalized centres of its supports") {
  const int channels = 3, edge = 6, size = 2;
  auto first = random_floats(channels * cube(edge), 1);
  const auto second = random_floats(channels * cube(edge), 2);
  const std::size_t center = (2 * 6 + 2) * 6 + 2;  // of the block [2, 4)³ the first voxel
  for (int c = 0; c < channels; ++c) first[c * cube(edge) + center] = 0;
  std::vector<float> kernel(channels * cube(size));
  add_template_kernel(first.data(), channels, edge, size, kernel);
  for (int c = 0; c < channels; ++c) CHECK(kernel[c * cube(size)] == 0.F);
  add_template_kernel(second.data(), channels, edge, size, kernel);

  for (int c = 0; c < channels; ++c) {
    for (int i = 0; i < 8; ++i) {
      const std::size_t v = center + ((i >> 2) * 6 + (i >> 1 & 1)) * 6 + (i & 1);
      double wanted = 0;
      for (const auto& support : {first, second}) {
        double squares = 0;
        for (int d = 0; d < channels; ++d) squares += std::pow(double{support[d * cube(edge) + v]}, 2);
        wanted += support[c * cube(edge) + v] / std::max(std::sqrt(squares), 1e-12);
      }
      CHECK(kernel[c * cube(size) + i] == doctest::Approx(wanted).epsilon(1e-6));
    }
  }
  CHECK_THROWS_AS(add_template_kernel(first.data(), channels, edge, 8, kernel), Error);
}
