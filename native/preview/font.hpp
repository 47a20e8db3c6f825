// A font of pixels for the legend of a picture: ASCII, every character of one width.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace medlsam {

inline constexpr int kGlyphWidth = 5, kGlyphHeight = 9;  // pixels; two rows lie below the baseline

// Whether the pixel of a character's glyph is set. A character that the font does not have looks like '?'.
bool glyph_pixel(char character, int row, int column);

// UTF-8 as this font shows it: one '?' for every character beyond ASCII and every control character.
std::string printable(std::string_view text);

}  // namespace medlsam
