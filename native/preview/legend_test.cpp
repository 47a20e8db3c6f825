#include "preview/legend.hpp"

#include <doctest/doctest.h>

#include "preview/font.hpp"

using namespace medlsam;

TEST_CASE("legend: columns, small letters where there are many, and no end of names") {
  constexpr Color kGray = {64, 64, 64};
  std::vector<LegendEntry> entries(3, {"liver", Color{255, 0, 0}});
  const auto height = [&](std::int64_t width, std::int64_t most) {
    return draw_legend(entries, width, most, kGray).height;
  };
  const std::int64_t line = 2 * 12, margins = 2 * 12;
  CHECK(height(1000, 500) == line + margins);          // side by side
  CHECK(height(130, 500) == 3 * line + margins);       // below each other
  CHECK(height(130, 80) == (2 * line + margins) / 2);  // in small letters, two columns
  CHECK(height(60, 500) == (3 * line + margins) / 2);  // a name that does not fit otherwise
  CHECK(draw_legend({}, 1000, 500, kGray).height == 0);
  entries = {{std::string(10000, 'x') + "\n", Color{255, 0, 0}}};
  for (const std::int64_t width : {1, 5, 20, 300}) CHECK(height(width, 500) == (line + margins) / 2);
  CHECK(printable("Größe\x1b[2J\n\t~") == "Gr??e?[2J??~");
}
