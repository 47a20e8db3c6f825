#include "preview/png.hpp"

#include <limits>

#include "testing/png_bytes.hpp"
#include "testing/segmentation_data.hpp"

using namespace medlsam;
using namespace medlsam::test;

TEST_CASE("png: what is written can be read") {
  std::vector<std::uint8_t> rgb(3 * 5 * 7);
  for (std::size_t i = 0; i < rgb.size(); ++i) rgb[i] = static_cast<std::uint8_t>(i * 37);
  const DecodedPng picture = decode_png(encode_png(rgb, 5, 7));
  CHECK(picture.width == 5);
  CHECK(picture.height == 7);
  CHECK(picture.rgb == rgb);
  CHECK(picture.description.empty());
  const DecodedPng described = decode_png(encode_png(rgb, 5, 7, "Größe: 1"));
  CHECK(described.rgb == rgb);
  using namespace std::string_literals;
  CHECK(described.description == "Description\0\0\0\0\0Größe: 1"s);
}

TEST_CASE("png: what is no picture") {
  const std::vector<std::uint8_t> rgb(12);
  check_refused([&] { encode_png(rgb, 2, 3); }, "2 by 3 pixels came with 12 bytes");
  check_refused([&] { encode_png({}, 0, 0); }, "0 by 0 pixels");
  check_refused([&] { encode_png(rgb, -2, -2); }, "-2 by -2 pixels");
  check_refused([&] { encode_png(rgb, std::numeric_limits<std::int64_t>::max(), 4); }, "came with 12 bytes");
}
