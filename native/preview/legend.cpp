#include "preview/legend.hpp"

#include "preview/font.hpp"

namespace medlsam {
namespace {

constexpr Color kText = {235, 235, 235};

// Where things lie, in pixels of the font; `scale` pixels of the picture are one of them.
struct Layout {
  static constexpr std::int64_t kMargin = 6, kSwatch = 7, kGap = 4, kAdvance = kGlyphWidth + 1;
  static constexpr std::int64_t kLine = kGlyphHeight + 3, kBetweenColumns = 10;

  std::int64_t scale = 1, letters = 0;  // letters of the longest name
  std::int64_t columns = 1, rows = 0;

  std::int64_t column_width() const { return kSwatch + kGap + letters * kAdvance + kBetweenColumns; }
  std::int64_t height() const { return rows == 0 ? 0 : scale * (rows * kLine + 2 * kMargin); }
};

Layout layout_at(std::int64_t scale, std::span<const LegendEntry> entries, std::int64_t width) {
  Layout layout;
  layout.scale = scale;
  const std::int64_t room = width / scale - 2 * Layout::kMargin;
  const std::int64_t most_letters = (room - Layout::kSwatch - Layout::kGap) / Layout::kAdvance;
  for (const LegendEntry& entry : entries) {
    const auto letters = static_cast<std::int64_t>(printable(entry.name).size());
    layout.letters = std::max(layout.letters, std::min(letters, std::max<std::int64_t>(most_letters, 0)));
  }
  const auto count = static_cast<std::int64_t>(entries.size());
  const std::int64_t fitting = (room + Layout::kBetweenColumns) / layout.column_width();
  layout.columns = std::max<std::int64_t>(1, fitting);
  layout.rows = (count + layout.columns - 1) / layout.columns;
  return layout;
}

bool is_cut(const Layout& layout, std::span<const LegendEntry> entries) {
  return std::ranges::any_of(entries, [&](const LegendEntry& entry) {
    return static_cast<std::int64_t>(printable(entry.name).size()) > layout.letters;
  });
}

// A pixel of the font at (x, y), clipped to the picture.
void dot(Picture& picture, std::int64_t x, std::int64_t y, std::int64_t scale, const Color& color) {
  for (std::int64_t v = y * scale; v < std::min((y + 1) * scale, picture.height); ++v) {
    for (std::int64_t u = x * scale; u < std::min((x + 1) * scale, picture.width); ++u) {
      picture.set(u, v, color);
    }
  }
}

void draw_entry(Picture& picture, const LegendEntry& entry, const Layout& layout, std::int64_t left,
                std::int64_t top) {
  for (std::int64_t y = 0; y < Layout::kSwatch; ++y) {
    for (std::int64_t x = 0; x < Layout::kSwatch; ++x) {
      dot(picture, left + x, top + y, layout.scale, entry.color);
    }
  }
  std::int64_t x = left + Layout::kSwatch + Layout::kGap;
  for (const char character : printable(entry.name).substr(0, static_cast<std::size_t>(layout.letters))) {
    for (int row = 0; row < kGlyphHeight; ++row) {
      for (int column = 0; column < kGlyphWidth; ++column) {
        if (glyph_pixel(character, row, column)) dot(picture, x + column, top + row, layout.scale, kText);
      }
    }
    x += Layout::kAdvance;
  }
}

}  // namespace

Picture draw_legend(std::span<const LegendEntry> entries, std::int64_t width, std::int64_t most_height,
                    const Color& background) {
  Layout layout = layout_at(2, entries, width);
  if (is_cut(layout, entries) || layout.height() > most_height) layout = layout_at(1, entries, width);
  Picture legend(width, layout.height(), background);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto index = static_cast<std::int64_t>(i);
    const std::int64_t column = index / layout.rows, row = index % layout.rows;
    draw_entry(legend, entries[i], layout, Layout::kMargin + column * layout.column_width(),
               Layout::kMargin + row * Layout::kLine);
  }
  return legend;
}

}  // namespace medlsam
