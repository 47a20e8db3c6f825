// Correlations by products of matrices against those by one multiplication after another, and both against
// the definition.
#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

#include "kernels/cuda/correlate_direct.hpp"
#include "kernels/cuda/launch.hpp"
#include "kernels/cuda/matrix.hpp"
#include "kernels/cuda/template_kernels.hpp"

namespace medlsam::cuda {
namespace {

std::vector<float> random_floats(std::size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> values(count);
  // Exact in float16, so that both ways multiply the same numbers.
  for (float& value : values) value = to_float(from_float<Half>(uniform(generator)));
  return values;
}

std::size_t cube(int edge) {
  return std::size_t{1} * edge * edge * edge;
}

// Features of two patches and kernels of two template points.
struct Problem {
  Problem(int wanted_channels, int wanted_edge, int wanted_size)
      : channels(wanted_channels),
        edge(wanted_edge),
        size(wanted_size),
        features(random_floats(2 * channels * cube(edge), 1)),
        kernels(random_floats(2 * channels * cube(size), 2)) {}

  double at(int slot, int row, int z, int y, int x) const {
    double sum = 0;
    for (int c = 0; c < channels; ++c) {
      for (int d = 0; d < size * size * size; ++d) {
        const int fz = z + d / (size * size) - size / 2, fy = y + d / size % size - size / 2,
                  fx = x + d % size - size / 2;
        if (fz < 0 || fz >= edge || fy < 0 || fy >= edge || fx < 0 || fx >= edge) continue;
        const double feature = features[(slot * channels + c) * cube(edge) + (fz * edge + fy) * edge + fx];
        sum += feature * kernels[(row * channels + c) * cube(size) + d];
      }
    }
    return sum;
  }

  // Channels last, in float16.
  std::vector<Half> rows() const {
    std::vector<Half> out(features.size());
    for (int slot = 0; slot < 2; ++slot) {
      for (int c = 0; c < channels; ++c) {
        for (std::size_t v = 0; v < cube(edge); ++v)
          out[(slot * cube(edge) + v) * channels + c] =
              from_float<Half>(features[(slot * channels + c) * cube(edge) + v]);
      }
    }
    return out;
  }

  int channels, edge, size;
  std::vector<float> features, kernels;
};

const std::vector<PointPlace> kPlaces = {{0, 1}, {1, 0}, {1, 1}};

template <int kSize>
std::vector<float> correlate_direct(const Problem& problem) {
  const typename CorrelateDirect<kSize>::Tiling tiling(problem.edge);
  std::vector<float> out(kPlaces.size() * cube(problem.edge + 1), std::nanf(""));
  launch(nullptr,
         {tiling.strips, tiling.positions, static_cast<std::int64_t>(kPlaces.size()), tiling.shared_bytes()},
         CorrelateDirect<kSize>{problem.features.data(), problem.kernels.data(), kPlaces.data(),
                                problem.channels, problem.edge, out.data()});
  return out;
}

template <int kSize, int kTiles>
std::vector<float> correlate_matrix(const Problem& problem) {
  using Body = CorrelateMatrix<kSize, kTiles>;
  const std::int32_t size = kSize;
  const float* kernels = problem.kernels.data();
  const TemplateKernels templates(0, 2, problem.channels, {&size, 1}, {&kernels, 1});
  const std::vector<Half> rows = problem.rows();
  std::vector<float> out(kPlaces.size() * cube(problem.edge + 1), std::nanf(""));
  launch(nullptr,
         {Body::kBlocks, static_cast<std::int64_t>(kPlaces.size()), 1, Body::shared_bytes(problem.channels)},
         Body{rows.data(), templates.scale(0).rows.data(), kPlaces.data(), problem.channels, out.data()});
  return out;
}

void check_definition(const Problem& problem, const std::vector<float>& found) {
  const int n = problem.edge + 1;
  std::mt19937 generator(3);
  std::uniform_int_distribution<int> anywhere(0, n - 1);
  for (int i = 0; i < 60; ++i) {
    // Corners first, where kernels reach beyond the features.
    const auto place = [&](int bit) { return i < 8 ? (i >> bit & 1) * (n - 1) : anywhere(generator); };
    const int z = place(0), y = place(1), x = place(2);
    const std::size_t point = i % kPlaces.size();
    const float value = found[point * cube(n) + (std::size_t{1} * z * n + y) * n + x];
    const double expected = problem.at(kPlaces[point].slot, kPlaces[point].row, z, y, x);
    CHECK(std::abs(value - expected) < 1e-4);
  }
}

template <class Run>
void check_both_orders(const Problem& problem, Run&& run) {
  const std::vector<float> found = run(problem);
  check_definition(problem, found);
  for (float value : found) REQUIRE(std::isfinite(value));
  host_runs_backward() = true;
  CHECK(run(problem) == found);
  host_runs_backward() = false;
}

TEST_CASE("correlations one multiplication after another are the definition's") {
  check_both_orders({3, 6, 2}, correlate_direct<2>);
  check_both_orders({5, 16, 4}, correlate_direct<4>);
  check_both_orders({2, 9, 6}, correlate_direct<6>);
  check_both_orders({4, 20, 8}, correlate_direct<8>);
}

TEST_CASE("correlations of more rows than a block has threads for") {
  check_both_orders({1, 64, 2}, correlate_direct<2>);
}

TEST_CASE("correlations by products of matrices are the definition's") {
  check_both_orders({16, 32, 4}, correlate_matrix<4, 2>);
  check_both_orders({32, 32, 4}, correlate_matrix<4, 2>);
}

TEST_CASE("correlations with the largest kernels by products of matrices") {
  const Problem problem(16, 32, 8);
  check_definition(problem, correlate_matrix<8, 2>(problem));
}

TEST_CASE("correlations with the largest features by products of matrices") {
  const Problem problem(16, 64, 4);
  check_definition(problem, correlate_matrix<4, 4>(problem));
}

TEST_CASE("what a block of the largest shape takes fits a Hopper and an Ampere GPU") {
  constexpr std::size_t kAmpere = 163 * 1024;
  CHECK(CorrelateMatrix<8, 4>::shared_bytes(96) <= kAmpere);
  CHECK(CorrelateMatrix<4, 2>::shared_bytes(96) <= 99 * 1024);
  CHECK(CorrelateDirect<8>::Tiling(64).shared_bytes() <= 48 * 1024);
}

TEST_CASE("tiles of matrices are loaded, multiplied and stored by their rows and columns") {
  constexpr int kPitch = 24;
  std::vector<Half> left(16 * kPitch), right(16 * kPitch);
  for (int i = 0; i < 16 * kPitch; ++i) {
    left[i] = from_float<Half>(static_cast<float>(i * 7 % 11));
    right[i] = from_float<Half>(static_cast<float>(i * 5 % 13));
  }
  Rows16 rows;
  Columns8x2 columns;
  Products products;
  load(rows, left.data(), kPitch);
  load(columns, right.data(), kPitch);
  for (int tile : {0, 1}) {
    clear(products);
    add_products(products, rows, columns, tile);
    add_products(products, rows, columns, tile);
    std::vector<float> out(16 * 8);
    store(out.data(), products);
    for (int row : {0, 9, 15}) {
      for (int column : {0, 7}) {
        float sum = 0;
        for (int k = 0; k < 16; ++k)
          sum += to_float(left[row * kPitch + k]) * to_float(right[(8 * tile + column) * kPitch + k]);
        CHECK(out[row * 8 + column] == 2 * sum);
      }
    }
  }
}

}  // namespace
}  // namespace medlsam::cuda
