#include "volumes/dicom/rle.hpp"

#include <doctest/doctest.h>

#include "testing/jpeg_bytes.hpp"
#include "testing/nifti_bytes.hpp"

namespace medlsam {
namespace {

using doctest::Contains;
using Plane = std::vector<std::uint8_t>;

template <class T>
std::vector<T> decode(std::span<const std::byte> frame, std::size_t pixels) {
  std::vector<T> samples(pixels);
  decode_rle(frame, sizeof(T), std::as_writable_bytes(std::span(samples)));
  return samples;
}

TEST_CASE("RLE: planes of bytes, the most significant first") {
  const Plane high = {0, 0, 0, 1, 2, 2}, low = {9, 8, 8, 8, 8, 7};
  CHECK(decode<std::uint8_t>(rle_frame({low}), 6) == low);
  CHECK(decode<std::uint16_t>(rle_frame({high, low}), 6) ==
        std::vector<std::uint16_t>{9, 8, 8, 0x108, 0x208, 0x207});
  CHECK(decode<std::uint32_t>(rle_frame({{1, 1}, {2, 2}, {3, 4}, {5, 5}}), 2) ==
        std::vector<std::uint32_t>{0x01020305, 0x01020405});
  CHECK(decode<std::uint8_t>(rle_frame({Plane(1000, 3)}), 1000) == Plane(1000, 3));
}

// A frame of one plane of these bytes.
Bytes frame_of(std::initializer_list<int> packed) {
  Bytes frame = rle_frame({{}});
  for (const int byte : packed) frame.push_back(static_cast<std::byte>(byte));
  return frame;
}

TEST_CASE("RLE: runs, repeats, no operation, and what goes beyond the last pixel") {
  CHECK(decode<std::uint8_t>(frame_of({2, 1, 2, 3, 128, 254, 7}), 6) == Plane{1, 2, 3, 7, 7, 7});
  CHECK(decode<std::uint8_t>(frame_of({2, 1, 2, 3}), 2) == Plane{1, 2});
  CHECK(decode<std::uint8_t>(frame_of({129, 5}), 3) == Plane{5, 5, 5});
  CHECK(decode<std::uint8_t>(frame_of({1, 1, 2, 0, 0, 0}), 2) == Plane{1, 2});
}

TEST_CASE("RLE: damaged frames are refused") {
  const auto failure = [](Bytes frame, std::size_t pixels = 6) {
    return error_of([&] { decode<std::uint16_t>(frame, pixels); });
  };
  const Plane plane = {1, 2, 3, 4, 5, 6};
  const Bytes frame = rle_frame({plane, plane});
  CHECK(failure(frame) == "");
  for (std::size_t size = 0; size < frame.size(); ++size) {
    CHECK(failure(Bytes(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size))) ==
          Contains("BAD_VOLUME the RLE data of its pixels"));
  }
  CHECK(failure(frame, 7) == Contains("segment 1 gives 6 of 7 bytes"));
  CHECK(failure(rle_frame({plane})) == Contains("have 1 segments where 2"));
  Bytes damaged = frame;
  damaged[4] = std::byte{63};  // within the header
  CHECK(failure(damaged) == Contains("overlap or lie beyond the end"));
  damaged = frame;
  damaged[11] = std::byte{0xff};
  CHECK(failure(damaged) == Contains("overlap or lie beyond the end"));
}

}  // namespace
}  // namespace medlsam
