#include <doctest/doctest.h>

#include <string>

#include "base/error.hpp"
#include "dicom_masks/contour_text.hpp"
#include "dicom_masks/paint_labels.hpp"

namespace medlsam {
namespace {

const PlaneFrame kFrame = {{-10, 20, 5}, {2, 0, 0}, {0, 3, 0}};

std::vector<std::uint8_t> values(const Volume& volume) {
  const auto* first = reinterpret_cast<const std::uint8_t*>(volume.data.data());
  return {first, first + volume.data.size()};
}

TEST_CASE("a contour's text has its corners in mm, of an even number of bytes") {
  CHECK(contour_text(Contour{{0, 0}, {2, 0}}, kFrame) == "-11\\18.5\\5\\-7\\18.5\\5");
  const PlaneFrame tilted = {{0.00004, -1.0 / 3, 1234.56789}, {0.1, 0, 0}, {0, 0.1, 0}};
  CHECK(contour_text(Contour{{0, 0}}, tilted) == "-0.05\\-0.3833\\1234.5679 ");
  CHECK_THROWS_AS(contour_text(Contour{{0, 0}}, {{1e9, 0, 0}, {1, 0, 0}, {0, 1, 0}}), Error);
}

TEST_CASE("a contour's text is read as it may be written") {
  CHECK(parse_contour("1.5\\-2\\+3e1 \\ .25\\7.\\0000012345.678901") ==
        std::vector<Point3>{{1.5, -2, 30}, {0.25, 7, 12345.678901}});
  CHECK(parse_contour(std::string_view("1\\2\\3\0", 6))[0] == Point3{1, 2, 3});
  for (const char* wrong :
       {"", "1\\2", "1\\2\\x", "1\\\\3", "1\\2\\3\\", "1\\2\\1e999", "1\\2\\-", "1\\2\\1 2"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(parse_contour(wrong), Error);
  }
}

TEST_CASE("a point in the plane is where its text says") {
  const auto found = point_in_plane({-6, 26, 6.5}, kFrame);
  CHECK(found.point.x == doctest::Approx(2));
  CHECK(found.point.y == doctest::Approx(2));
  CHECK(found.distance == doctest::Approx(1.5));
}

const AnnotatedGrid kGrid = {{3, 2, 4}, {}, {0, 1, 1}};

TEST_CASE(
    "frames become labels, on every slice that shows their image; the smaller one stays where they overlap") {
  // Frames of 8 pixels: a byte each.
  const std::vector<std::byte> bits = {std::byte{0b11111111}, std::byte{0b00000110}, std::byte{0b10000000}};
  const std::vector<FramePart> frames = {{1, 1}, {0, 1}, {2, 1}};
  const std::vector<AnnotationPart> parts = {{9, 1}, {4, 1}, {9, 0}};
  const Volume labels = labels_of_frames({bits, 1}, frames, parts, kGrid, Task{});
  CHECK(values(labels) == std::vector<std::uint8_t>{0, 0, 0, 0, 0, 0, 0, 9,  //
                                                    4, 9, 9, 4, 4, 4, 4, 4,  //
                                                    4, 9, 9, 4, 4, 4, 4, 4});
}

TEST_CASE("values of a label map are told apart") {
  const std::vector<std::byte> pixels = {std::byte{0}, std::byte{1}, std::byte{2}, std::byte{1},
                                         std::byte{0}, std::byte{2}, std::byte{2}, std::byte{0}};
  const std::vector<FramePart> frames = {{0, 1}, {0, 2}};
  const std::vector<AnnotationPart> parts = {{300, 0}, {2, 0}};
  const Volume labels = labels_of_frames({pixels, 8}, frames, parts, kGrid, Task{});
  CHECK(labels.dtype == DType::kU16);
  const auto* found = reinterpret_cast<const std::uint16_t*>(labels.data.data());
  CHECK(std::vector<std::uint16_t>(found, found + 8) ==
        std::vector<std::uint16_t>{0, 300, 2, 300, 0, 2, 2, 0});
  CHECK_THROWS_AS(labels_of_frames({pixels, 16}, frames, std::vector<AnnotationPart>{{1, 0}}, kGrid, Task{}),
                  Error);
  const std::vector<FramePart> missing = {{1, 1}};
  CHECK_THROWS_AS(labels_of_frames({pixels, 8}, missing, std::vector<AnnotationPart>{{1, 0}}, kGrid, Task{}),
                  Error);
}

TEST_CASE("contours fill the image that they name, or else the nearest one") {
  const std::vector<PlaneFrame> frames = {{{0, 0, 0}, {1, 0, 0}, {0, 1, 0}},
                                          {{0, 0, 5}, {1, 0, 0}, {0, 1, 0}}};
  const auto square = [](const char* z) {
    const std::string end = std::string("\\") + z;
    return "-0.5\\-0.5" + end + "\\1.5\\-0.5" + end + "\\1.5\\0.5" + end + "\\-0.5\\0.5" + end;
  };
  const std::string text = square("5.001") + square("1.2");
  const auto length = static_cast<std::int64_t>(square("5.001").size());
  const std::vector<ContourPart> contours = {{0, length},
                                             {length, static_cast<std::int64_t>(text.size()) - length}};
  const std::vector<AnnotationPart> parts = {{1, 1}, {2, -1}};
  const Volume labels = labels_of_contours(text, contours, parts, frames, kGrid, Task{});
  CHECK(values(labels) == std::vector<std::uint8_t>{2, 2, 0, 0, 0, 0, 0, 0,  //
                                                    1, 1, 0, 0, 0, 0, 0, 0,  //
                                                    1, 1, 0, 0, 0, 0, 0, 0});
  const std::vector<AnnotationPart> elsewhere = {{1, 0}, {2, 2}};
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK_THROWS_AS(labels_of_contours(text, std::vector<ContourPart>{contours[i]},
                                       std::vector<AnnotationPart>{elsewhere[i]}, frames, kGrid, Task{}),
                    Error);
  }
  const std::vector<ContourPart> outside = {{length, length}};
  CHECK_THROWS_AS(
      labels_of_contours(text, outside, std::vector<AnnotationPart>{{1, 0}}, frames, kGrid, Task{}), Error);
}

TEST_CASE("contours of one label on an image leave holes") {
  const std::vector<PlaneFrame> frames = {{{0, 0, 0}, {1, 0, 0}, {0, 1, 0}}};
  const AnnotatedGrid grid = {{1, 3, 3}, {}, {0}};
  const std::string outer = "-1\\-1\\0\\3\\-1\\0\\3\\3\\0\\-1\\3\\0",
                    inner = "0.5\\0.5\\0\\1.5\\0.5\\0\\1.5\\1.5\\0\\0.5\\1.5\\0";
  const auto cut = static_cast<std::int64_t>(outer.size());
  const std::vector<ContourPart> contours = {{0, cut}, {cut, static_cast<std::int64_t>(inner.size())}};
  const std::vector<AnnotationPart> parts = {{1, 0}, {1, 0}};
  CHECK(values(labels_of_contours(outer + inner, contours, parts, frames, grid, Task{})) ==
        std::vector<std::uint8_t>{1, 1, 1, 1, 0, 1, 1, 1, 1});
}

}  // namespace
}  // namespace medlsam
