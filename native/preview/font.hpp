// A monospaced bitmap font for a picture's legend: ASCII.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace medlsam {

inline constexpr int kGlyphWidth = 5, kGlyphHeight = 9;  // pixels; two rows lie below the baseline

// Whether the pixel of a character's glyph is set. A character that the font lacks looks like '?'.
bool glyph_pixel(char character, int row, int column);

// UTF-8 text in the characters of the font: '?' for every character beyond ASCII and every control character.
std::string printable(std::string_view text);

}  // namespace medlsam
