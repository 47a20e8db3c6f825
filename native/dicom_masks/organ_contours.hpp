// An organ's contours on all images of a series.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/task.hpp"
#include "dicom_masks/contour_text.hpp"
#include "dicom_masks/plane_stack.hpp"

namespace medlsam {

// Contours by image, those of one image in the order of their first rows.
struct OrganContours {
  std::vector<std::int32_t> planes, points;  // for each contour, its image and its number of points
  std::vector<std::int32_t> lengths;         // bytes of its text
  std::vector<std::byte> text;               // all texts in a row, see contour_text
};

// `voxels`: the volume, 0 or 1. `frames`: of each image of the stack. Throws kBadArgument for another number
// of frames, and for a geometry that no text can say; kAborted.
OrganContours organ_contours(const PlaneStack& stack, std::span<const std::uint8_t> voxels,
                             std::span<const PlaneFrame> frames, Holes holes, const Task& task);

}  // namespace medlsam
