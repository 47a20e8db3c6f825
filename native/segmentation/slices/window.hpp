// Axial slices as 8-bit pictures (algorithm.md part 6.1).
#pragma once

#include <cstdint>
#include <span>

#include "base/conventions.hpp"
#include "base/task.hpp"
#include "segmentation/slices/layout.hpp"
#include "volumes/volume.hpp"

namespace medlsam {

inline constexpr double kLowestGray = -500, kHighestGray = 1000;  // HU; values are clipped to these

// The HU that become 0 and 255, after clipping.
struct Window {
  double low = kLowestGray, high = kHighestGray;
  bool zero_is_black = false;  // 0 HU, water, becomes 0 instead of its gray
};

// `exact`: the window itself. `reference`: minimum and maximum of this volume's clipped values (Q5), and 0 HU
// turns black (Q6), as in the published code. Reads the volume only for `reference`.
Window slice_window(const Volume& volume, Conventions conventions, const Task& task);

// The window that `reference` has for stored values from `least` to `greatest`, NaN left out.
Window reference_window(const Volume& volume, double least, double greatest);

// Slice `z` of the volume: height × width pixels, 0 … 255, fractions cut off. NaN and values below the window
// are black, and everything is if the window is empty (a volume of one value under `reference`). Throws
// kBadArgument for a slice that does not exist or an `out` of another size.
void window_slice(const Volume& volume, const SliceLayout& layout, std::int64_t z, const Window& window,
                  std::span<std::uint8_t> out);

}  // namespace medlsam
