#include "dicom_masks/frames.hpp"

#include <doctest/doctest.h>

#include <numeric>

#include "base/error.hpp"

namespace medlsam {
namespace {

std::vector<std::byte> bytes(std::initializer_list<int> values) {
  std::vector<std::byte> made;
  for (const int value : values) made.push_back(static_cast<std::byte>(value));
  return made;
}

const std::vector<std::int32_t> kBoth = {0, 1};

TEST_CASE("bits are one stream, the first in the lowest bit, its end made even") {
  BitStream stream;
  stream.append(std::vector<std::uint8_t>{1, 0, 1});
  stream.append(std::vector<std::uint8_t>{1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0});
  CHECK(stream.finish() == bytes({0b00011101, 0b11111110, 0b01, 0}));
}

TEST_CASE("frames are the images with voxels, by organ, and tell of overlaps") {
  const Index3 shape = {2, 1, 3};
  const PlaneStack stack = plane_stack(shape, {0, 1, 2}, {false, false, false}, kBoth);
  OrganFrameWriter writer(stack);
  writer.add(4, std::vector<std::uint8_t>{0, 0, 0, 1, 0, 0}, Task{});
  writer.add(2, std::vector<std::uint8_t>{1, 1, 0, 0, 1, 1}, Task{});
  const OrganFrames frames = writer.finish();
  CHECK(frames.organs == std::vector<std::int32_t>{4, 2, 2});
  CHECK(frames.planes == std::vector<std::int32_t>{1, 0, 1});
  CHECK(frames.bits == bytes({0b10011001, 0b1}));
  CHECK_FALSE(frames.overlap);
  OrganFrameWriter again(stack);
  again.add(0, std::vector<std::uint8_t>{0, 0, 0, 1, 0, 0}, Task{});
  again.add(1, std::vector<std::uint8_t>{0, 0, 0, 1, 0, 0}, Task{});
  CHECK(again.finish().overlap);
}

TEST_CASE("label frames keep the values, little endian") {
  const PlaneStack stack = plane_stack({2, 1, 3}, {0, 1, 2}, {false, false, false}, kBoth);
  const std::vector<std::uint16_t> labels = {0, 0, 0, 300, 0, 1};
  const LabelFrames frames = label_frames<std::uint16_t>(stack, labels, Task{});
  CHECK(frames.planes == std::vector<std::int32_t>{1});
  CHECK(frames.labels == std::vector<std::int32_t>{1, 300});
  CHECK(frames.pixels == bytes({300 & 255, 1, 0, 0, 1, 0}));
  const std::vector<std::uint8_t> narrow = {0, 7, 0, 0, 0, 0};
  CHECK(label_frames<std::uint8_t>(stack, narrow, Task{}).pixels == bytes({0, 7, 0, 0}));
}

TEST_CASE("a volume of swapped and reversed axes shows the images as they were stored") {
  const Index3 shape = {2, 3, 4};  // z, y, x
  std::vector<std::uint8_t> voxels(24);
  std::iota(voxels.begin(), voxels.end(), std::uint8_t{0});
  // Images along x from its end, rows along z, columns along y from its end.
  const std::vector<std::int32_t> slices = {0, 3};
  const PlaneStack stack = plane_stack(shape, {2, 0, 1}, {true, false, true}, slices);
  CHECK(stack.rows == 2);
  CHECK(stack.columns == 3);
  std::vector<std::uint8_t> pixels(6);
  stack.gather<std::uint8_t>(voxels, 0, pixels);
  CHECK(pixels == std::vector<std::uint8_t>{11, 7, 3, 23, 19, 15});
  stack.gather<std::uint8_t>(voxels, 1, pixels);
  CHECK(pixels == std::vector<std::uint8_t>{8, 4, 0, 20, 16, 12});
  CHECK_THROWS_AS(plane_stack(shape, {0, 0, 1}, {}, slices), Error);
  CHECK_THROWS_AS(plane_stack(shape, {0, 1, 2}, {}, slices), Error);
}

}  // namespace
}  // namespace medlsam
