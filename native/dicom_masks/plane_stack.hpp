// A series' images as planes through a volume: one image after another, its rows, its columns.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "volumes/volume.hpp"

namespace medlsam {

// Where the pixels of the images lie among a volume's stored voxels. For a volume that was read from the
// series both are the same; a NIfTI made of it may have axes swapped and reversed, and of a volume that was
// resampled along the slices an image is the nearest slice.
struct PlaneStack {
  std::int64_t rows = 0, columns = 0;
  std::int64_t row_stride = 0, column_stride = 0;  // in stored voxels, to the next row and column
  std::vector<std::int64_t> first;                 // for each image, the voxel of its first pixel

  std::int64_t pixels() const { return rows * columns; }

  // The image's pixels, row by row, out of the volume's voxels.
  template <class Voxel>
  void gather(std::span<const Voxel> voxels, std::size_t plane, std::span<Voxel> pixels_out) const {
    Voxel* out = pixels_out.data();
    for (std::int64_t row = 0; row < rows; ++row) {
      const std::int64_t line = first[plane] + row * row_stride;
      for (std::int64_t column = 0; column < columns; ++column)
        *out++ = voxels[line + column * column_stride];
    }
  }
};

// `axes`: the volume's axes (of z, y, x) along which images, rows and columns follow each other; `reversed`:
// against the stored order. `slices`: the slice of each image, counted in the images' order. Throws
// kBadArgument for axes that are no permutation, and for slices outside the volume.
PlaneStack plane_stack(const Index3& shape, const std::array<int, 3>& axes,
                       const std::array<bool, 3>& reversed, std::span<const std::int32_t> slices);

}  // namespace medlsam
