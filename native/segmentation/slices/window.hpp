// Axial slices as 8-bit pictures (algorithm.md part 6.1).
#pragma once

#include <cstdint>
#include <span>

#include "base/conventions.hpp"
#include "base/task.hpp"
#include "segmentation/slices/layout.hpp"
#include "volumes/volume.hpp"

namespace medlsam {

// What becomes 0 and what becomes 255, HU. Values are clipped to [−500, 1000] before.
struct Window {
  double low = -500, high = 1000;
  bool zero_is_black = false;  // 0 HU, water, becomes 0 instead of its gray
};

// `exact`: the window itself. `reference`: the least and greatest clipped value of this volume (Q5), and 0 HU
// turns black (Q6), as the published code has it. Reads the volume only for `reference`.
Window slice_window(const Volume& volume, Conventions conventions, const Task& task);

// Slice `z` of the volume: height × width pixels, 0 … 255, fractions cut off. NaN and what lies below the
// window are black; so is everything when the window is empty (a volume of one value under `reference`).
// Throws kBadArgument for a slice that there is not, or an `out` of another size.
void window_slice(const Volume& volume, const SliceLayout& layout, std::int64_t z, const Window& window,
                  std::span<std::uint8_t> out);

}  // namespace medlsam
