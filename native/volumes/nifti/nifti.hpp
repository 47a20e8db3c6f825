// NIfTI-1 and NIfTI-2 files, plain or gzipped; also pairs of a header (.hdr) and its voxels (.img) in one
// folder.
#pragma once

#include <span>
#include <string>

#include "base/task.hpp"
#include "volumes/read.hpp"
#include "volumes/volume.hpp"

namespace medlsam {

// Whether the file starts with a NIfTI header, by the header's size.
bool is_nifti(const VolumeSource& source);

// Reads one 3D volume (a 4D file with one volume counts): every integer and float type up to 64 bits, both
// byte orders. Affine: sform, else qform, else pixdim, as nibabel decides. Memory is taken only as the file's
// bytes actually arrive, so a header cannot promise more than the file holds. A header without orientation
// is noted in the volume's warnings. Throws kBadVolume (what, where, what to do), kAborted.
Volume read_nifti(const VolumeSource& source, const Task& task);

// The same for bytes from anywhere; `name` stands for the file in messages, and a pair's .img is looked for
// beside it.
Volume parse_nifti(std::span<const std::byte> file, const std::string& name, const Task& task);

// Content of a written file besides the geometry.
struct NiftiOutput {
  Index3 shape{};  // (z, y, x); must equal geometry.shape
  DType dtype = DType::kU8;
  std::span<const std::byte> data{};  // x fastest
  double slope = 1, intercept = 0;
  std::string label_xml{};              // becomes an extension of ecode 0 when not empty (label names)
  std::string description = "medlsam";  // the header's descrip: UTF-8, cut to its 79 bytes
};

// Writes .nii or .nii.gz (by the path's ending) with the geometry of `geometry` to the bit: pixdim, qform,
// sform, their codes and units are copied from its header, byte order included as values. Atomic: writes
// next to the path and renames; on failure no file is left and no existing file is lost.
// Throws kWriteFailed (with the operating system's reason), kBadArgument, kAborted.
void write_nifti(const std::string& path, const Volume& geometry, const NiftiOutput& output,
                 const Task& task);

}  // namespace medlsam
