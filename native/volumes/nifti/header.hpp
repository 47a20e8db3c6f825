// The fixed-size header of NIfTI-1 (348 bytes) and NIfTI-2 (540 bytes) files: where its fields lie and what
// they say about the grid. Source: the format's own nifti1.h and nifti2.h.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "volumes/volume.hpp"

namespace medlsam {

struct HeaderField {
  std::size_t offset;  // of its first element
  DType type;          // of each element
};

struct HeaderLayout {
  std::size_t size;  // bytes; also the value of the header's first field
  std::size_t magic_offset;
  std::string_view magic;       // of a single file
  std::string_view pair_magic;  // of a header whose data lie in an .img file
  HeaderField dim;              // 8: how many dimensions, then their lengths
  HeaderField datatype, bitpix;
  HeaderField pixdim;  // 8: qfac, then the spacings
  HeaderField vox_offset, scl_slope, scl_inter;
  HeaderField xyzt_units, qform_code, sform_code;
  HeaderField quatern;  // 6: b, c, d, then the offsets along x, y, z
  HeaderField srow;     // 12: the affine's first three rows
  std::size_t descrip_offset;
};

extern const HeaderLayout kNifti1, kNifti2;

// A header's bytes, wherever they are kept, and how to read them.
struct NiftiHeader {
  std::span<const std::byte> bytes;
  const HeaderLayout& layout;
  bool swapped;  // written on a machine of the other byte order

  // Every field fits a double: what does not (lengths above 2^53) is out of range anyway.
  double get(const HeaderField& field, std::size_t element = 0) const;
};

// The kind of header that starts with these bytes (4 at least are needed), by its first field: layout and
// byte order.
struct HeaderKind {
  const HeaderLayout& layout;
  bool swapped;
};
std::optional<HeaderKind> recognize_header(std::span<const std::byte> bytes);

// Stores `value`, converted to the field's type, in this machine's byte order.
void set_field(std::span<std::byte> header, const HeaderField& field, std::size_t element, double value);

// Copies a field's first `count` elements bit by bit into a header of the same layout and this byte order.
void copy_field(const NiftiHeader& from, const HeaderField& field, std::size_t count,
                std::span<std::byte> to);

// NIfTI's datatype numbers. Nothing for a type that Volume does not hold.
std::optional<DType> dtype_of_nifti(int datatype);
std::optional<int> nifti_datatype(DType dtype);

// The functions below throw kBadVolume naming the field, without the file's name.

// (z, y, x) = (dim[3], dim[2], dim[1]). Refuses 2D, several volumes, lengths below 1, more than 2^33 voxels.
Index3 header_shape(const NiftiHeader& header);

// Whether a qform or sform says where the axes run.
bool has_orientation(const NiftiHeader& header);

// Voxel → RAS mm: sform if its code is positive, else qform likewise, else pixdim with x running to the left
// and the origin in the middle. Equals nibabel's. Refuses singular affines and, where no sform decides,
// spacings in pixdim that are not positive.
Affine header_affine(const NiftiHeader& header, const Index3& shape);

}  // namespace medlsam
