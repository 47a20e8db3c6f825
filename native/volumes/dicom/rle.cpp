#include "volumes/dicom/rle.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <string>

#include "base/error.hpp"

namespace medlsam {
namespace {

constexpr std::size_t kHeader = 64;  // bytes: the number of segments, then their places, as 16 words

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::kBadVolume, "the RLE data of its pixels " + message);
}

std::uint32_t word(std::span<const std::byte> header, std::size_t index) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value |= std::to_integer<std::uint32_t>(header[4 * index + i]) << (8 * i);
  return value;
}

[[noreturn]] void fail_short(std::size_t segment, std::size_t found, std::size_t wanted) {
  fail("end early: segment " + std::to_string(segment + 1) + " gives " + std::to_string(found) + " of " +
       std::to_string(wanted) + " bytes. Copy the file again");
}

// A run that goes on beyond the last pixel is cut: some writers pack a plane together with its padding.
void unpack(std::span<const std::byte> packed, std::size_t segment, std::byte* plane, std::size_t pixels,
            std::size_t width) {
  std::size_t done = 0;
  for (std::size_t at = 0; done < pixels;) {
    if (at >= packed.size()) fail_short(segment, done, pixels);
    const auto control = std::to_integer<unsigned>(packed[at++]);
    if (control == 128) continue;  // no operation
    const bool literal = control < 128;
    const std::size_t count = std::min<std::size_t>(literal ? control + 1 : 257 - control, pixels - done);
    if (packed.size() - at < (literal ? count : 1)) fail_short(segment, done, pixels);
    std::byte* to = plane + done * width;
    const std::byte* from = packed.data() + at;
    for (std::size_t i = 0; i < count; ++i) to[i * width] = from[literal ? i : 0];
    at += literal ? count : 1;
    done += count;
  }
}

}  // namespace

void decode_rle(std::span<const std::byte> frame, std::size_t width, std::span<std::byte> samples) {
  if (frame.size() < kHeader) fail("are cut off within their header of 64 bytes. Copy the file again");
  const std::uint32_t segments = word(frame, 0);
  if (segments != width) {
    fail("have " + std::to_string(segments) + " segments where " + std::to_string(width) +
         ", one for each byte of a pixel, are needed. The file is damaged, or not gray");
  }
  std::array<std::size_t, 5> places{};  // of each segment, then the end
  for (std::size_t i = 0; i < width; ++i) places[i] = word(frame, 1 + i);
  places[width] = frame.size();
  std::size_t before = kHeader;
  for (std::size_t i = 0; i <= width; ++i) {
    if (places[i] < before) fail("have segments that overlap or lie beyond the end. The file is damaged");
    before = places[i];
  }
  // The first segment holds the most significant bytes.
  constexpr bool kLittle = std::endian::native == std::endian::little;
  for (std::size_t i = 0; i < width; ++i) {
    unpack(frame.subspan(places[i], places[i + 1] - places[i]), i,
           samples.data() + (kLittle ? width - 1 - i : i), samples.size() / width, width);
  }
}

}  // namespace medlsam
