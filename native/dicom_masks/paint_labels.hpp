// A label map out of an annotation's planes: frames of a segmentation, contours of a structure set.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/task.hpp"
#include "dicom_masks/contour_text.hpp"
#include "volumes/volume.hpp"

namespace medlsam {

// One frame or contour: of a label, on an image of the series.
struct AnnotationPart {
  std::int32_t label = 0;  // 1 … 65535
  std::int32_t image = 0;
};

// A label map on the grid of the scan.
struct AnnotatedGrid {
  Index3 shape{};
  Affine affine{};
  std::vector<std::int32_t> images;  // for each slice of the scan, the image that it shows
};

// Flips the pixels of a part in a mask of an image, 0 or 1.
using FlipPart = std::function<void(std::size_t part, std::span<std::uint8_t> mask)>;

// Parts of one label on one image are combined by XOR. Where labels overlap, the one of fewer voxels in the
// whole scan stays: an outline of the body would hide every organ in it. Throws kBadArgument for labels out
// of range; kAborted, and what `flip` throws.
Volume paint_labels(std::span<const AnnotationPart> parts, const FlipPart& flip, const AnnotatedGrid& grid,
                    const Task& task);

// Frames of a segmentation in native pixels.
struct FramePixels {
  std::span<const std::byte> bytes;
  int bits = 1;  // of a pixel: 1, 8 or 16
};

struct FramePart {
  std::int64_t frame = 0;
  std::int32_t value = 1;  // of the pixels that belong to the part
};

// Throws kBadArgument for frames that the bytes do not have.
Volume labels_of_frames(const FramePixels& pixels, std::span<const FramePart> frames,
                        std::span<const AnnotationPart> parts, const AnnotatedGrid& grid, const Task& task);

// Contours' points as their file's text.
struct ContourPart {
  std::int64_t offset = 0, length = 0;
};

// `frames`: of each image. An image below 0 is looked for: it is the nearest one, half a step between images
// away at most. Throws kBadAnnotation for text that holds no points and for a contour that lies on no image.
Volume labels_of_contours(std::string_view text, std::span<const ContourPart> contours,
                          std::vector<AnnotationPart> parts, std::span<const PlaneFrame> frames,
                          const AnnotatedGrid& grid, const Task& task);

}  // namespace medlsam
