// A picture in memory, 8 bits each of red, green and blue.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace medlsam {

using Color = std::array<std::uint8_t, 3>;

struct Picture {
  Picture(std::int64_t w, std::int64_t h, const Color& color = {}) : width(w), height(h), rgb(3 * w * h) {
    for (std::size_t i = 0; i < rgb.size(); ++i) rgb[i] = color[i % 3];
  }

  void set(std::int64_t x, std::int64_t y, const Color& color) {
    std::copy(color.begin(), color.end(), rgb.begin() + 3 * (y * width + x));
  }

  // Copies all of another picture to where its top left is (left, top); it must fit.
  void paste(const Picture& part, std::int64_t left, std::int64_t top) {
    for (std::int64_t y = 0; y < part.height; ++y) {
      const auto line = part.rgb.begin() + 3 * y * part.width;
      std::copy(line, line + 3 * part.width, rgb.begin() + 3 * ((top + y) * width + left));
    }
  }

  std::int64_t width, height;     // pixels
  std::vector<std::uint8_t> rgb;  // lines from the top, pixels from the left
};

}  // namespace medlsam
