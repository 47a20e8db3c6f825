// A plane's mask as closed contours along the edges of its pixels (PS3.3 C.8.8.6), and back.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace medlsam {

// A corner of pixels: column c and row r have their corners at c and c + 1, r and r + 1.
struct Corner {
  std::int32_t x = 0, y = 0;
  bool operator==(const Corner&) const = default;
};

using Contour = std::vector<Corner>;  // closed; the first corner is not repeated

// How a hole is told.
enum class Holes {
  kKeyholes,  // joined to the contour around it by a channel without width
  kNested,    // a contour of its own, for readers that combine contours by XOR
};

// Contours of the pixels that are not 0 (rows × columns). Pixels that touch at a corner only are two parts,
// and every part is a contour, clockwise as the image is seen. Corners on a straight run are left out, so
// that filling by pixel centers gives the mask back.
std::vector<Contour> trace_contours(std::span<const std::uint8_t> mask, std::int64_t rows,
                                    std::int64_t columns, Holes holes);

// A point of a contour in pixels: the center of column c and row r is at (c, r).
struct PlanePoint {
  double x = 0, y = 0;
};

// Flips the pixels (0 or 1, rows × columns) whose centers are inside the closed contour, by the even-odd
// rule: called for all contours of a plane it combines them by XOR, so that keyholes and nested contours both
// leave their holes. Points may lie anywhere; they must be finite.
void flip_inside(std::span<const PlanePoint> contour, std::int64_t rows, std::int64_t columns,
                 std::span<std::uint8_t> mask);

}  // namespace medlsam
