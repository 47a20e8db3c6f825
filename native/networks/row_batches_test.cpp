#include "networks/row_batches.hpp"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

namespace medlsam {
namespace {

using Parts = std::vector<std::pair<std::int64_t, std::int64_t>>;

// Rows that a device with memory for `fits` of them is given, of `rows` in all.
Parts parts_of(RowBatches& batches, std::int64_t rows, std::int64_t fits) {
  Parts parts;
  batches.run(rows, [&](std::int64_t first, std::int64_t count) {
    if (count > fits) throw Error(ErrorCode::kOutOfMemory, "too many");
    parts.emplace_back(first, count);
  });
  return parts;
}

TEST_CASE("batches of rows: as many as allowed, and the rest") {
  RowBatches batches(4);
  CHECK(parts_of(batches, 9, 100) == Parts{{0, 4}, {4, 4}, {8, 1}});
  CHECK(parts_of(batches, 0, 100).empty());
}

TEST_CASE("batches of rows: halved where memory does not suffice, from then on") {
  RowBatches batches(8);
  CHECK(parts_of(batches, 10, 3) == Parts{{0, 2}, {2, 2}, {4, 2}, {6, 2}, {8, 2}});
  CHECK(batches.most() == 2);
  CHECK(parts_of(batches, 3, 100) == Parts{{0, 2}, {2, 1}});
}

TEST_CASE("batches of rows: one row that does not fit is an error, as is any other failure at once") {
  RowBatches batches(8);
  CHECK_THROWS_AS(parts_of(batches, 5, 0), Error);
  CHECK(batches.most() == 1);
  int calls = 0;
  RowBatches others(8);
  const auto fails = [&](std::int64_t, std::int64_t) {
    ++calls;
    throw Error(ErrorCode::kDeviceFailed, "lost");
  };
  CHECK_THROWS_AS(others.run(8, fails), Error);
  CHECK(calls == 1);
  CHECK(others.most() == 8);
}

TEST_CASE("rows of a network: the same outputs whether they fit at once or not") {
  const Tensor rows = Tensor::on_host(std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, {5, 2});
  const auto outputs = [&](std::int64_t fits) {
    std::vector<std::vector<float>> found;
    const auto sums_and_rows = [&](const Tensor& some) {
      const std::int64_t count = some.shape()[0];
      if (count > fits) throw Error(ErrorCode::kOutOfMemory, "too many");
      std::vector<float> sums;
      for (std::int64_t i = 0; i < count; ++i)
        sums.push_back(some.floats()[2 * i] + some.floats()[2 * i + 1]);
      return std::vector<Tensor>{Tensor::on_host(std::move(sums), {count, 1}), some};
    };
    for (const Tensor& output : run_rows(rows, sums_and_rows)) {
      CHECK(output.shape()[0] == 5);
      found.emplace_back(output.floats(), output.floats() + output.elements());
    }
    return found;
  };
  CHECK(outputs(5).at(0) == std::vector<float>{3, 7, 11, 15, 19});
  for (const std::int64_t fits : {1, 2, 3}) CHECK(outputs(fits) == outputs(5));
}

}  // namespace
}  // namespace medlsam
