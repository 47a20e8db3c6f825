#include "dicom_masks/contours.hpp"

#include <doctest/doctest.h>

#include <string>

#include "base/random.hpp"

namespace medlsam {
namespace {

struct Picture {
  std::vector<std::uint8_t> mask;
  std::int64_t rows = 0, columns = 0;
};

Picture picture(const std::vector<std::string>& lines) {
  Picture made{{}, static_cast<std::int64_t>(lines.size()), static_cast<std::int64_t>(lines[0].size())};
  for (const std::string& line : lines)
    for (const char c : line) made.mask.push_back(c == '#');
  return made;
}

std::vector<Contour> trace(const Picture& of, Holes holes) {
  return trace_contours(of.mask, of.rows, of.columns, holes);
}

std::vector<std::uint8_t> filled(const std::vector<Contour>& contours, const Picture& like) {
  std::vector<std::uint8_t> mask(like.mask.size());
  for (const Contour& contour : contours) {
    std::vector<PlanePoint> points;
    for (const Corner& corner : contour) points.push_back({corner.x - 0.5, corner.y - 0.5});
    flip_inside(points, like.rows, like.columns, mask);
  }
  return mask;
}

TEST_CASE("a pixel is a contour of four points, clockwise, the first not repeated") {
  const auto contours = trace(picture({"...", ".#.", "..."}), Holes::kKeyholes);
  REQUIRE(contours.size() == 1);
  CHECK(contours[0] == Contour{{1, 1}, {2, 1}, {2, 2}, {1, 2}});
  CHECK(trace(picture({"...", "..."}), Holes::kKeyholes).empty());
}

TEST_CASE("points on a straight run are left out") {
  CHECK(trace(picture({"####", "####", "##.."}), Holes::kKeyholes)[0] ==
        Contour{{0, 0}, {4, 0}, {4, 2}, {2, 2}, {2, 3}, {0, 3}});
}

TEST_CASE("pixels that touch at a corner are two contours") {
  CHECK(trace(picture({"#.", ".#"}), Holes::kKeyholes).size() == 2);
  CHECK(trace(picture({".#", "#."}), Holes::kKeyholes).size() == 2);
  CHECK(trace(picture({"#.#", ".#.", "#.#"}), Holes::kKeyholes).size() == 5);
}

TEST_CASE("a hole is joined by a channel, or a contour of its own") {
  const auto ring = picture({"#####", "#####", "##.##", "#####", "#####"});
  const auto keyhole = trace(ring, Holes::kKeyholes);
  REQUIRE(keyhole.size() == 1);
  CHECK(keyhole[0] ==
        Contour{{0, 0}, {5, 0}, {5, 5}, {0, 5}, {0, 2}, {2, 2}, {2, 3}, {3, 3}, {3, 2}, {0, 2}});
  const auto nested = trace(ring, Holes::kNested);
  REQUIRE(nested.size() == 2);
  CHECK(nested[0].size() == 4);
  CHECK(nested[1].size() == 4);
  CHECK(filled(keyhole, ring) == ring.mask);
  CHECK(filled(nested, ring) == ring.mask);
}

TEST_CASE("an island in a hole is a contour of its own") {
  const auto target = picture({"#######", "#.....#", "#.###.#", "#.#.#.#", "#.###.#", "#.....#", "#######"});
  CHECK(trace(target, Holes::kKeyholes).size() == 2);
  CHECK(trace(target, Holes::kNested).size() == 4);
  CHECK(filled(trace(target, Holes::kKeyholes), target) == target.mask);
}

TEST_CASE("a hole that reaches the outside at a corner is no hole") {
  const auto open = picture({"###.", "#.#.", "##..", "...."});
  CHECK(trace(open, Holes::kKeyholes).size() == 1);
  CHECK(trace(open, Holes::kNested).size() == 1);
  CHECK(filled(trace(open, Holes::kNested), open) == open.mask);
}

TEST_CASE("whatever the mask, filling its contours gives it back") {
  SplitMix64 random({7});
  for (int round = 0; round < 400; ++round) {
    Picture noise;
    noise.rows = 1 + static_cast<std::int64_t>(random.next() % 20);
    noise.columns = 1 + static_cast<std::int64_t>(random.next() % 20);
    const std::uint64_t density = 1 + random.next() % 15;
    for (std::int64_t i = 0; i < noise.rows * noise.columns; ++i)
      noise.mask.push_back(random.next() % 16 < density);
    for (const Holes holes : {Holes::kKeyholes, Holes::kNested}) {
      const auto contours = trace(noise, holes);
      CHECK(filled(contours, noise) == noise.mask);
      for (const Contour& contour : contours) {
        CHECK(contour.size() >= 4);
        for (std::size_t i = 0; i < contour.size(); ++i) {
          const Corner a = contour[i], b = contour[(i + 1) % contour.size()];
          CHECK((a.x == b.x) != (a.y == b.y));
        }
      }
    }
  }
}

TEST_CASE("points outside of the plane cut off what they enclose") {
  std::vector<std::uint8_t> mask(12);
  const std::vector<PlanePoint> around = {{-1e300, -5}, {1.5, -5}, {1.5, 1e18}, {-9, 7}};
  flip_inside(around, 3, 4, mask);
  CHECK(mask == std::vector<std::uint8_t>{1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0});
  flip_inside(std::vector<PlanePoint>{{0, 9}, {3, 9}, {3, 11}}, 3, 4, mask);
  flip_inside({}, 3, 4, mask);
  CHECK(mask == std::vector<std::uint8_t>{1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0});
}

TEST_CASE("a pixel is inside when its center is") {
  std::vector<std::uint8_t> mask(9);
  flip_inside(std::vector<PlanePoint>{{-0.4, -0.4}, {1.4, -0.4}, {1.4, 0.9}, {-0.4, 0.9}}, 3, 3, mask);
  CHECK(mask == std::vector<std::uint8_t>{1, 1, 0, 0, 0, 0, 0, 0, 0});
}

}  // namespace
}  // namespace medlsam
