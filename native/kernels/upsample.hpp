// The gradient of doubling an axis by linear interpolation (half-pixel centers, as PyTorch's
// align_corners=False).
#pragma once

#include <cstdint>

namespace medlsam {

// Rows [begin, end) of out (outer·extent, inner), from in (outer, 2·extent, inner): each value gets what it
// gave to the four around it. At the ends, where interpolation repeats the last value, that one's share stays
// with it.
void halve_rows(const float* in, std::int64_t extent, std::int64_t inner, std::int64_t begin,
                std::int64_t end, float* out);

}  // namespace medlsam
