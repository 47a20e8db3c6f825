// Masks as the frames of a DICOM segmentation (PS3.3 C.8.20): bits for each organ, or one label a pixel.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/task.hpp"
#include "dicom_masks/plane_stack.hpp"

namespace medlsam {

// One stream of bits, the first in the lowest bit of a byte; frames are not padded to bytes (PS3.5 8.1.1).
class BitStream {
 public:
  void append(std::span<const std::uint8_t> pixels);  // each 0 or 1
  std::vector<std::byte> finish();                    // the bytes, their number made even by a zero

 private:
  std::vector<std::byte> bytes_;
  unsigned pending_ = 0, count_ = 0;
};

// Frames of the images on which an organ has voxels.
struct OrganFrames {
  std::vector<std::int32_t> organs, planes;  // of each frame; by organ, then by image
  std::vector<std::byte> bits;
  bool overlap = false;  // whether a voxel belongs to two organs
};

// Collects the frames of one organ after another.
class OrganFrameWriter {
 public:
  explicit OrganFrameWriter(const PlaneStack& stack);

  // `voxels`: the volume, 0 or 1. Throws kAborted.
  void add(std::int32_t organ, std::span<const std::uint8_t> voxels, const Task& task);
  OrganFrames finish();

 private:
  const PlaneStack& stack_;
  OrganFrames frames_;
  BitStream bits_;
  std::vector<std::vector<std::uint8_t>> taken_;  // for each image, pixels that have an organ; empty for none
};

// Frames of labels, as the volume has them, little endian.
struct LabelFrames {
  std::vector<std::int32_t> planes;  // images with any label
  std::vector<std::int32_t> labels;  // those that occur, in order
  std::vector<std::byte> pixels;     // their number of bytes made even
};

// Label: std::uint8_t or std::uint16_t. Throws kAborted.
template <class Label>
LabelFrames label_frames(const PlaneStack& stack, std::span<const Label> voxels, const Task& task);

}  // namespace medlsam
