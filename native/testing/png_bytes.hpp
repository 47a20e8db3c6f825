// PNG pictures read byte by byte from the format's description, independently of the code under test.
#pragma once

#include <doctest/doctest.h>
#include <zlib.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace medlsam::test {

using Color = std::array<std::uint8_t, 3>;

struct DecodedPng {
  std::int64_t width = 0, height = 0;
  std::vector<std::uint8_t> rgb;
  std::string description;  // the text chunk's bytes, if there is one

  Color at(std::int64_t x, std::int64_t y) const {
    REQUIRE((x >= 0 && x < width && y >= 0 && y < height));
    const auto pixel = rgb.begin() + 3 * (y * width + x);
    return {pixel[0], pixel[1], pixel[2]};
  }
};

inline std::uint32_t big_endian(std::span<const std::byte> bytes) {
  std::uint32_t value = 0;
  for (std::byte byte : bytes.first(4)) value = value << 8 | std::to_integer<std::uint32_t>(byte);
  return value;
}

inline std::vector<std::uint8_t> inflated(std::span<const std::byte> bytes, std::size_t size) {
  std::vector<std::uint8_t> out(size);
  uLongf got = size;
  REQUIRE(uncompress(out.data(), &got, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()) == Z_OK);
  REQUIRE(got == size);
  return out;
}

// Undoes the filters None and Sub; refuses the others.
inline void unfilter(std::span<const std::uint8_t> lines, DecodedPng& picture) {
  const std::size_t length = 3 * picture.width;
  for (std::int64_t y = 0; y < picture.height; ++y) {
    const auto line = lines.subspan(y * (length + 1), length + 1);
    REQUIRE(line[0] <= 1);
    for (std::size_t i = 0; i < length; ++i) {
      const std::uint8_t before = line[0] == 1 && i >= 3 ? picture.rgb[picture.rgb.size() - 3] : 0;
      picture.rgb.push_back(static_cast<std::uint8_t>(line[i + 1] + before));
    }
  }
}

// The chunks must be these three and at most one of text, whole and with the right checksums.
inline DecodedPng decode_png(std::span<const std::byte> file) {
  DecodedPng picture;
  REQUIRE(std::string(reinterpret_cast<const char*>(file.data()), 8) == "\x89PNG\r\n\x1a\n");
  file = file.subspan(8);
  for (const std::string type : {"IHDR", "iTXt", "IDAT", "IEND"}) {
    const std::size_t size = big_endian(file);
    if (type == "iTXt" && file[4] != std::byte{'i'}) continue;
    REQUIRE(file.size() >= size + 12);
    REQUIRE(std::string(reinterpret_cast<const char*>(file.data()) + 4, 4) == type);
    CHECK(big_endian(file.subspan(8 + size)) ==
          crc32(0, reinterpret_cast<const Bytef*>(file.data()) + 4, static_cast<uInt>(size) + 4));
    const auto data = file.subspan(8, size);
    file = file.subspan(size + 12);
    if (type == "IHDR") {
      REQUIRE(size == 13);
      picture.width = big_endian(data);
      picture.height = big_endian(data.subspan(4));
      CHECK(big_endian(data.subspan(8)) == 0x08020000);  // 8 bits, RGB, deflate, the standard's filters
      CHECK(data[12] == std::byte{0});                   // not interlaced
    } else if (type == "iTXt") {
      picture.description.assign(reinterpret_cast<const char*>(data.data()), size);
    } else if (type == "IDAT") {
      unfilter(inflated(data, picture.height * (3 * picture.width + 1)), picture);
    }
  }
  CHECK(file.empty());
  return picture;
}

}  // namespace medlsam::test
