// Kernels of template points in four bits a value, for files that must be small. On 24 heads and necks of
// patients boxes had the same IoU with them as with half precision, to 0.001 (bench/RESULTS.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace medlsam {

// Packs the (channels, size³) values of one point: two values a byte, the earlier in the low bits, each a
// whole number from −7 to 7 plus 8, times its channel's scale. What was unpacked is packed to the same bytes
// again.
void pack_kernel(std::span<const float> values, std::span<std::uint8_t> packed, std::span<float> scales);

void unpack_kernel(std::span<const std::byte> packed, std::span<const float> scales, std::span<float> values);

}  // namespace medlsam
