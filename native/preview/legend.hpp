// A picture's legend: names with their colors.
#pragma once

#include <span>
#include <string>

#include "preview/picture.hpp"

namespace medlsam {

struct LegendEntry {
  std::string name;  // UTF-8; characters that the font lacks are shown as '?'
  Color color{};
};

// Entries in columns, read downwards, on `background`: `width` pixels wide and as high as they need, nothing
// for no entry. Letters are 14 pixels high or, where that would take more than `most_height` or a name does
// not fit, 7; a name that is still too long is cut.
Picture draw_legend(std::span<const LegendEntry> entries, std::int64_t width, std::int64_t most_height,
                    const Color& background);

}  // namespace medlsam
