#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "kernels/gemm.hpp"

namespace medlsam {
namespace {

std::vector<float> normal_values(std::mt19937& generator, std::int64_t count) {
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = normal(generator);
  return values;
}

// The greatest error of a·bᵀ as a share of the sum of the terms' sizes, or of 1.
double product_error(std::int64_t batch, std::int64_t depth, const MatrixBatch& a, const MatrixBatch& b,
                     const std::vector<float>& out) {
  double worst = 0;
  for (std::int64_t n = 0; n < batch; ++n) {
    for (std::int64_t r = 0; r < a.rows; ++r) {
      for (std::int64_t c = 0; c < b.rows; ++c) {
        double sum = 0, size = 1;
        for (std::int64_t k = 0; k < depth; ++k) {
          const double term =
              double{a.data[n * a.step + r * a.stride + k]} * b.data[n * b.step + c * b.stride + k];
          sum += term;
          size += std::abs(term);
        }
        const double wrong = std::abs(sum - out[(n * a.rows + r) * b.rows + c]) / size;
        worst = wrong <= worst ? worst : wrong;
      }
    }
  }
  return worst;
}

}  // namespace

TEST_CASE("products with a transposed matrix are their definition, on any number of threads") {
  std::mt19937 generator(10);
  std::uniform_int_distribution<int> extent(1, 120);
  for (int i = 0; i < 12; ++i) {
    const std::int64_t batch = 1 + i % 3, depth = i == 0 ? 300 : extent(generator), rows = extent(generator),
                       columns = i == 1 ? 2000 : extent(generator);
    const bool shared = i % 2 == 0;
    const std::vector<float> a = normal_values(generator, batch * rows * (depth + 1)),
                             b = normal_values(generator, batch * columns * (depth + 2));
    std::vector<float> out(static_cast<std::size_t>(batch * rows * columns)), again(out.size());
    const MatrixBatch of_a = {a.data(), rows, rows * (depth + 1), depth + 1};
    const MatrixBatch of_b = {b.data(), columns, shared ? 0 : columns * (depth + 2), depth + 2};
    multiply_transposed(Task{}, batch, depth, of_a, of_b, out.data());
    CHECK(product_error(batch, depth, of_a, of_b, out) < 6e-7);
    Task task;
    task.threads = 4;
    multiply_transposed(task, batch, depth, of_a, of_b, again.data());
    CHECK(std::memcmp(out.data(), again.data(), out.size() * sizeof(float)) == 0);
  }
}

}  // namespace medlsam
