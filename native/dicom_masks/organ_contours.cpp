#include "dicom_masks/organ_contours.hpp"

#include <algorithm>
#include <string>

#include "base/parallel.hpp"

namespace medlsam {

OrganContours organ_contours(const PlaneStack& stack, std::span<const std::uint8_t> voxels,
                             std::span<const PlaneFrame> frames, Holes holes, const Task& task) {
  struct Traced {
    std::int32_t points = 0;
    std::string text;
  };
  if (frames.size() != stack.first.size())
    throw Error(ErrorCode::kBadArgument, "Every image of a series has its place.");
  std::vector<std::vector<Traced>> traced(frames.size());
  parallel_for(task, frames.size(), [&](std::size_t plane, std::size_t) {
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(stack.pixels()));
    stack.gather<std::uint8_t>(voxels, plane, pixels);
    for (const Contour& contour : trace_contours(pixels, stack.rows, stack.columns, holes)) {
      traced[plane].push_back(
          {static_cast<std::int32_t>(contour.size()), contour_text(contour, frames[plane])});
    }
  });
  OrganContours all;
  for (std::size_t plane = 0; plane < traced.size(); ++plane) {
    for (const Traced& contour : traced[plane]) {
      all.planes.push_back(static_cast<std::int32_t>(plane));
      all.points.push_back(contour.points);
      all.lengths.push_back(static_cast<std::int32_t>(contour.text.size()));
      const auto bytes = std::as_bytes(std::span(contour.text));
      all.text.insert(all.text.end(), bytes.begin(), bytes.end());
    }
  }
  return all;
}

}  // namespace medlsam
