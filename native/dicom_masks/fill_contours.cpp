#include <algorithm>
#include <cmath>

#include "dicom_masks/contours.hpp"

namespace medlsam {
namespace {

// Rows whose centers a contour reaches, within the plane.
struct Rows {
  std::int64_t first = 0, last = -1;
};

Rows rows_of(std::span<const PlanePoint> contour, std::int64_t rows) {
  double low = static_cast<double>(rows), high = -1;
  for (const PlanePoint& point : contour) {
    low = std::min(low, point.y);
    high = std::max(high, point.y);
  }
  const auto limit = static_cast<double>(rows - 1);
  return {static_cast<std::int64_t>(std::ceil(std::clamp(low, 0.0, limit + 1))),
          static_cast<std::int64_t>(std::floor(std::clamp(high, -1.0, limit)))};
}

}  // namespace

void flip_inside(std::span<const PlanePoint> contour, std::int64_t rows, std::int64_t columns,
                 std::span<std::uint8_t> mask) {
  const Rows reached = rows_of(contour, rows);
  if (reached.first > reached.last) return;
  const std::int64_t height = reached.last - reached.first + 1;
  // A pixel's crossings at its center or left of it, from the pixel before on; their sum's lowest bit says
  // inside.
  std::vector<std::uint8_t> crossings(static_cast<std::size_t>(height * columns));
  for (std::size_t i = 0; i < contour.size(); ++i) {
    const PlanePoint& from = contour[i];
    const PlanePoint& to = contour[(i + 1) % contour.size()];
    const double low = std::min(from.y, to.y), high = std::max(from.y, to.y);
    // A row belongs to the edges that begin at it or above and end below it, so that a corner on it counts
    // once.
    const auto first = std::max<std::int64_t>(
        reached.first,
        static_cast<std::int64_t>(std::ceil(std::clamp(low, -1.0, static_cast<double>(rows)))));
    for (std::int64_t row = first; row <= reached.last && static_cast<double>(row) < high; ++row) {
      const double x = from.x + (static_cast<double>(row) - from.y) / (to.y - from.y) * (to.x - from.x);
      const double column = std::ceil(std::max(x, 0.0));
      if (!(column < static_cast<double>(columns))) continue;
      crossings[static_cast<std::size_t>((row - reached.first) * columns +
                                         static_cast<std::int64_t>(column))] ^= 1;
    }
  }
  for (std::int64_t row = 0; row < height; ++row) {
    std::uint8_t inside = 0;
    const std::uint8_t* crossed = crossings.data() + row * columns;
    std::uint8_t* line = mask.data() + (reached.first + row) * columns;
    for (std::int64_t column = 0; column < columns; ++column) {
      inside ^= crossed[column];
      line[column] ^= inside;
    }
  }
}

}  // namespace medlsam
