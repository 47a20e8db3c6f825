#include "segmentation/slices/window.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/parallel.hpp"

namespace medlsam {
namespace {

double clip(double hu) {
  return hu > kLowestGray ? std::min(hu, kHighestGray) : kLowestGray;
}  // NaN: the lowest

std::uint8_t grey(double hu, const Window& window, double range) {
  if (hu == 0 && window.zero_is_black) return 0;
  const double level = (clip(hu) - window.low) / range * 255;
  return level > 0 ? static_cast<std::uint8_t>(std::min(level, 255.0)) : 0;
}

// Minimum and maximum of the stored values except NaN.
template <class Stored>
std::pair<double, double> stored_range(const Stored* values, std::size_t count) {
  Stored least = std::numeric_limits<Stored>::max(), greatest = std::numeric_limits<Stored>::lowest();
  for (std::size_t i = 0; i < count; ++i) {
    least = values[i] < least ? values[i] : least;
    greatest = values[i] > greatest ? values[i] : greatest;
  }
  return {static_cast<double>(least), static_cast<double>(greatest)};
}

}  // namespace

Window slice_window(const Volume& volume, Conventions conventions, const Task& task) {
  if (conventions == Conventions::kExact) return {};
  constexpr std::size_t kChunk = std::size_t{1} << 20;
  const std::size_t voxels = volume.voxels();
  std::vector<std::pair<double, double>> ranges((voxels + kChunk - 1) / kChunk);
  with_stored_values(volume, [&](const auto* values) {
    parallel_for(task, ranges.size(), [&](std::size_t i, std::size_t) {
      ranges[i] = stored_range(values + i * kChunk, std::min(kChunk, voxels - i * kChunk));
    });
  });
  double least = std::numeric_limits<double>::infinity(), greatest = -least;
  for (const auto& [low, high] : ranges) {
    if (!(low <= high)) continue;  // only NaN
    least = std::min(least, low);
    greatest = std::max(greatest, high);
  }
  return reference_window(volume, least, greatest);
}

Window reference_window(const Volume& volume, double least, double greatest) {
  Window window{kHighestGray, kLowestGray, true};
  if (!(least <= greatest)) return window;  // only NaN
  for (double stored : {least, greatest}) {
    const double hu = clip(stored * volume.slope + volume.intercept);
    window.low = std::min(window.low, hu);
    window.high = std::max(window.high, hu);
  }
  return window;
}

void window_slice(const Volume& volume, const SliceLayout& layout, std::int64_t z, const Window& window,
                  std::span<std::uint8_t> out) {
  if (z < 0 || z >= layout.count) {
    throw Error(ErrorCode::kBadArgument, "There is no slice " + std::to_string(z) +
                                             ": the volume has slices 0 to " +
                                             std::to_string(layout.count - 1) + ".");
  }
  if (out.size() != static_cast<std::size_t>(layout.pixels())) {
    throw Error(ErrorCode::kBadArgument, "A slice of this volume has " + std::to_string(layout.pixels()) +
                                             " pixels; the buffer has " + std::to_string(out.size()) + ".");
  }
  const double range = window.high - window.low;
  if (!(range > 0)) {
    std::fill(out.begin(), out.end(), std::uint8_t{0});
    return;
  }
  with_stored_values(volume, [&](const auto* values) {
    std::uint8_t* pixel = out.data();
    for (std::int64_t y = 0; y < layout.height; ++y) {
      const auto* line = values + z * layout.stride[0] + y * layout.stride[1];
      for (std::int64_t x = 0; x < layout.width; ++x) {
        const double hu = static_cast<double>(line[x * layout.stride[2]]) * volume.slope + volume.intercept;
        *pixel++ = grey(hu, window, range);
      }
    }
  });
}

}  // namespace medlsam
