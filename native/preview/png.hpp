// Writes PNG pictures (ISO/IEC 15948) into memory with zlib.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace medlsam {

// The file's bytes for a picture of `height` lines of `width` pixels of red, green, blue, from the top left:
// 8 bits a channel, not interlaced, without metadata except `description` (UTF-8; none if empty), so that the
// same picture gives the same bytes. Throws kBadArgument if `rgb` has another size or the picture no pixel.
std::vector<std::byte> encode_png(std::span<const std::uint8_t> rgb, std::int64_t width, std::int64_t height,
                                  std::string_view description = {});

}  // namespace medlsam
