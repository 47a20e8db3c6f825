// MetaImage files (.mha, .mhd) as ITK writes them: a header of text, then the voxels, in it or beside it.
#pragma once

#include "base/task.hpp"
#include "volumes/read.hpp"

namespace medlsam {

// Whether the file starts with a field that MetaImage headers start with.
bool is_metaimage(const VolumeSource& source);

// Reads a volume of three dimensions and one channel: integers of 8 to 32 bits, float, double; plain or with
// zlib. The affine is TransformMatrix, ElementSpacing and Offset, which are LPS mm whatever
// AnatomicalOrientation says. Detached voxels must lie in one file in the header's folder. Throws kBadVolume
// (what, where, what to do), kAborted; kFileNotFound, kReadFailed for that file.
Volume read_metaimage(const VolumeSource& source, const Task& task);

}  // namespace medlsam
