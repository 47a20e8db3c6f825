// Axial slices as SAM's images (algorithm.md part 6.1), on a GPU.
#pragma once

#include <cstdint>

#include "kernels/cuda/axis_operator.hpp"

namespace medlsam::cuda {

// How slices lie in a stored volume in device memory: pixel (row, column) of slice z is voxel z · step_slice
// + row · step_row + column · step_column.
struct SliceView {
  StoredValues volume;
  std::int64_t height = 0, width = 0;
  std::int64_t step_slice = 0, step_row = 0, step_column = 0;

  MEDLSAM_HD std::int64_t pixels() const { return height * width; }
};

// HU that become 0 and 255, after values were clipped.
struct GrayWindow {
  double low = 0, high = 0, clip_low = 0, clip_high = 0;
  std::int32_t zero_is_black = 0;  // 0 HU becomes 0 instead of its gray
};

// Least and greatest gray of a slice.
struct GrayRange {
  std::int32_t least, greatest;
};

// Scratch memory of prepare_slices: that of 16 slices at most.
struct SliceMemory {
  DeviceArray<std::uint8_t> grays;
  DeviceArray<float> wide;
  DeviceArray<GrayRange> rows, ranges;
  std::size_t bytes() const { return grays.bytes() + wide.bytes() + rows.bytes() + ranges.bytes(); }
};

struct SliceResize {
  Operator along_y, along_x;
  std::int64_t edge = 0;  // rows of both
  float rounding = 0;     // added before fractions are cut off
};

// Windowed, resized and clipped to each slice's own range: whole numbers 0 … 255, (count, edge²) of a
// floating type. `slices`: in device memory.
void prepare_slices(Stream stream, const SliceView& view, const GrayWindow& window, const SliceResize& resize,
                    const std::int64_t* slices, std::int64_t count, Element type, void* out,
                    SliceMemory& memory);

}  // namespace medlsam::cuda
