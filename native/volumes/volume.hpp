// A 3D scan in memory, exactly as its file stores it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/tensor.hpp"
#include "volumes/volume_on_gpu.hpp"

namespace medlsam {

using Index3 = std::array<std::int64_t, 3>;  // always (z, y, x)
using Affine = std::array<double, 16>;       // row-major 4×4

struct Volume {
  Index3 shape{};               // voxels along (z, y, x); x is the file's first axis and fastest in memory
  DType dtype = DType::kI16;    // of the stored values, in this machine's byte order
  std::vector<std::byte> data;  // shape[0]·shape[1]·shape[2] stored values
  double slope = 1, intercept = 0;          // value = stored · slope + intercept (HU for CT)
  Affine affine{};                          // (i = x, j = y, k = z, 1) voxel → RAS mm
  std::vector<std::byte> nifti_header;      // the file's 348 or 540 header bytes in their own byte order;
                                            // empty for a volume that came from no file
  std::vector<std::byte> nifti_extensions;  // the bytes between header and data, the 4-byte flag included
  // Warnings about the file that results repeat, sentences without a full stop: it has no orientation, its
  // axes are sheared.
  std::vector<std::string> warnings;
  // A copy of the voxels as they are: who changes `data` of a volume that was on a GPU resets it.
  mutable GpuCopy on_gpu;

  std::size_t voxels() const { return static_cast<std::size_t>(shape[0] * shape[1] * shape[2]); }
};

// Edge lengths of a voxel in mm, (z, y, x): the lengths of the affine's columns.
std::array<double, 3> spacing(const Affine& affine);

// Calls use(pointer to the stored values) with the C++ type of volume.dtype.
// (kF16, kBF16 and kBool never occur in a Volume.)
template <class Use>
decltype(auto) with_stored_values(const Volume& volume, Use&& use) {
  const std::byte* data = volume.data.data();
  switch (volume.dtype) {
    case DType::kF64:
      return use(reinterpret_cast<const double*>(data));
    case DType::kI64:
      return use(reinterpret_cast<const std::int64_t*>(data));
    case DType::kI32:
      return use(reinterpret_cast<const std::int32_t*>(data));
    case DType::kI16:
      return use(reinterpret_cast<const std::int16_t*>(data));
    case DType::kI8:
      return use(reinterpret_cast<const std::int8_t*>(data));
    case DType::kU64:
      return use(reinterpret_cast<const std::uint64_t*>(data));
    case DType::kU32:
      return use(reinterpret_cast<const std::uint32_t*>(data));
    case DType::kU16:
      return use(reinterpret_cast<const std::uint16_t*>(data));
    case DType::kU8:
      return use(reinterpret_cast<const std::uint8_t*>(data));
    default:
      return use(reinterpret_cast<const float*>(data));
  }
}

}  // namespace medlsam
