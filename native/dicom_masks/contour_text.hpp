// Contours' points as the decimal strings of an RTSTRUCT: x\y\z\x\y\z… in the patient's mm (PS3.3 C.8.8.6).
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dicom_masks/contours.hpp"

namespace medlsam {

using Point3 = std::array<double, 3>;  // mm: left, posterior, superior

// Where an image's pixels are: the center of column c and row r is at origin + c · column + r · row.
struct PlaneFrame {
  Point3 origin{}, column{}, row{};
};

// The contour's corners, of an even number of bytes. A coordinate has 4 decimals at most and 16 bytes at
// most. Throws kBadArgument for one of 100 km and more.
std::string contour_text(std::span<const Corner> contour, const PlaneFrame& frame);

// Points out of such a text, with spaces around numbers. Throws kBadAnnotation for text that is not numbers,
// and for a number of them that is no multiple of 3.
std::vector<Point3> parse_contour(std::string_view text);

// Where a point lies in the image's pixels, and its distance from the plane in mm along the images' normal.
struct PointInPlane {
  PlanePoint point;
  double distance = 0;
};
PointInPlane point_in_plane(const Point3& point, const PlaneFrame& frame);

}  // namespace medlsam
