#include "localization/query.hpp"

#include <doctest/doctest.h>

#include <string>

namespace medlsam {
namespace {

// A grid of nothing but `value`, padding included.
Grid uniform_grid(const Index3& shape, float value) {
  Grid grid;
  grid.shape = shape;
  grid.values.assign(static_cast<std::size_t>(shape[0] * shape[1] * shape[2]), value);
  return grid;
}

TEST_CASE("query centres are those of mulberry32, by the seed") {
  const Grid grid = uniform_grid({84, 94, 105}, 0.5f);
  // From an implementation of mulberry32 in JavaScript.
  CHECK(draw_query_centers(grid, 0) == std::vector<Index3>{{37, 37, 46},
                                                           {34, 46, 52},
                                                           {44, 49, 51},
                                                           {43, 41, 43},
                                                           {50, 45, 56},
                                                           {45, 53, 54},
                                                           {43, 39, 46},
                                                           {48, 43, 43},
                                                           {47, 55, 53},
                                                           {41, 44, 43}});
  const auto last = draw_query_centers(grid, 4294967295u);
  CHECK(last.front() == Index3{49, 40, 56});
  CHECK(last.back() == Index3{37, 43, 42});
}

TEST_CASE("query centres in air are drawn again, and a scan of air is refused") {
  Grid grid = uniform_grid({84, 94, 105}, 0.5f);
  for (const Index3& air : {Index3{37, 37, 46}, Index3{44, 49, 51}})
    grid.values[(air[0] * grid.shape[1] + air[1]) * grid.shape[2] + air[2]] = 0.0009f;
  const auto centers = draw_query_centers(grid, 0);
  REQUIRE(centers.size() == 10);
  CHECK(centers[0] == Index3{34, 46, 52});
  CHECK(centers[1] == Index3{43, 41, 43});
  try {
    draw_query_centers(uniform_grid({84, 94, 105}, 0), 0);
    FAIL("a scan of air has no query centres");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kBadVolume);
  }
}

TEST_CASE("query centres that are given lie within the scan, not in its padding") {
  const Grid grid = uniform_grid({84, 94, 105}, 0.5f);
  CHECK_NOTHROW(check_query_centers(std::vector<Index3>{{32, 32, 32}, {51, 61, 72}}, grid));
  for (const Index3& outside : {Index3{31, 40, 40}, Index3{40, 62, 40}, Index3{40, 40, 73}}) {
    try {
      check_query_centers(std::vector<Index3>{{40, 40, 40}, outside}, grid);
      FAIL("a centre in the padding was accepted");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::kBadArgument);
      CHECK(std::string(error.what()).find("Query centre 1 is [") == 0);
      CHECK(std::string(error.what()).find("from [32, 32, 32] to [51, 61, 72]") != std::string::npos);
    }
  }
}

}  // namespace
}  // namespace medlsam
