#include "dicom_masks/contour_text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <locale>
#include <optional>
#include <sstream>

#include "base/error.hpp"

namespace medlsam {
namespace {

// A number with 4 decimals, without zeros at their end. Made of integers: the standard's to_chars for doubles
// is missing from some of its libraries, and printf asks the locale.
void append_decimal(std::string& text, double value) {
  constexpr double kGreatest = 1e8;
  if (!(std::abs(value) < kGreatest)) {
    throw Error(ErrorCode::kBadArgument,
                "A contour's point lies 100 km away: the scan's geometry is not one of a patient.");
  }
  const std::int64_t parts = std::llround(value * 1e4);
  const std::int64_t size = std::abs(parts);
  if (parts < 0) text += '-';
  text += std::to_string(size / 10000);
  std::string decimals = std::to_string(10000 + size % 10000).substr(1);
  while (!decimals.empty() && decimals.back() == '0') decimals.pop_back();
  if (!decimals.empty()) text += '.' + decimals;
}

// A number of up to 15 digits without an exponent, which one division of exact doubles gives correctly
// rounded.
std::optional<double> parse_short(std::string_view number) {
  const bool negative = number.starts_with('-');
  if (negative || number.starts_with('+')) number.remove_prefix(1);
  constexpr std::size_t kDigits = 15;
  if (number.empty() || number.size() > kDigits + 1) return std::nullopt;
  std::int64_t digits = 0;
  double divisor = 1;
  bool fraction = false;
  std::size_t count = 0;
  for (const char c : number) {
    if (c == '.' && !fraction) {
      fraction = true;
      continue;
    }
    if (c < '0' || c > '9' || ++count > kDigits) return std::nullopt;
    digits = digits * 10 + (c - '0');
    if (fraction) divisor *= 10;
  }
  if (count == 0) return std::nullopt;
  const double value = static_cast<double>(digits) / divisor;
  return negative ? -value : value;
}

double parse_decimal(std::string_view word) {
  const auto first = word.find_first_not_of(' ');
  const auto last = word.find_last_not_of(std::string_view(" \0", 2));
  const auto number = first == std::string_view::npos || last == std::string_view::npos || last < first
                          ? std::string_view{}
                          : word.substr(first, last - first + 1);
  if (const auto value = parse_short(number)) return *value;
  double value = 0;
  if (number.find_first_not_of("+-.0123456789eE") == std::string_view::npos) {
    std::istringstream stream{std::string(number)};
    stream.imbue(std::locale::classic());
    stream >> value;
    if (!stream.fail() && stream.peek() == std::istringstream::traits_type::eof() && std::isfinite(value))
      return value;
  }
  throw Error(ErrorCode::kBadAnnotation,
              "a contour holds \"" + std::string(number.substr(0, 32)) + "\" where a coordinate should be.");
}

Point3 cross(const Point3& a, const Point3& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

double dot(const Point3& a, const Point3& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

}  // namespace

std::string contour_text(std::span<const Corner> contour, const PlaneFrame& frame) {
  std::string text;
  for (const Corner& corner : contour) {
    for (int i = 0; i < 3; ++i) {
      if (!text.empty()) text += '\\';
      append_decimal(text,
                     frame.origin[i] + (corner.x - 0.5) * frame.column[i] + (corner.y - 0.5) * frame.row[i]);
    }
  }
  if (text.size() % 2 != 0) text += ' ';
  return text;
}

std::vector<Point3> parse_contour(std::string_view text) {
  std::vector<Point3> points;
  int coordinate = 0;
  for (std::size_t at = 0; at <= text.size(); ++coordinate) {
    const std::size_t end = std::min(text.find('\\', at), text.size());
    if (coordinate % 3 == 0) points.emplace_back();
    points.back()[static_cast<std::size_t>(coordinate % 3)] = parse_decimal(text.substr(at, end - at));
    at = end + 1;
  }
  if (coordinate % 3 != 0) {
    throw Error(ErrorCode::kBadAnnotation, "a contour has " + std::to_string(coordinate) +
                                               " coordinates, which is no multiple of three.");
  }
  return points;
}

PointInPlane point_in_plane(const Point3& point, const PlaneFrame& frame) {
  const Point3 from = {point[0] - frame.origin[0], point[1] - frame.origin[1], point[2] - frame.origin[2]};
  const Point3 normal = cross(frame.column, frame.row);
  // Rows and columns are at right angles.
  return {{dot(from, frame.column) / dot(frame.column, frame.column),
           dot(from, frame.row) / dot(frame.row, frame.row)},
          dot(from, normal) / std::sqrt(dot(normal, normal))};
}

}  // namespace medlsam
