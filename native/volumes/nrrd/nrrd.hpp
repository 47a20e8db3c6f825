// NRRD files (teem.sourceforge.net/nrrd/format.html): a header of text, then raw or gzipped voxels in it or
// beside it.
#pragma once

#include "base/task.hpp"
#include "volumes/read.hpp"

namespace medlsam {

// Whether the file starts with NRRD's magic, of whatever version.
bool is_nrrd(const VolumeSource& source);

// Reads a volume of three dimensions in versions 1 to 5, of integers and floats of up to 64 bits. The affine
// is `space directions` and `space origin`, sheared or not; a file without them says no place and is refused.
// Detached voxels must lie in one file in the header's folder. Throws kBadVolume (what, where, what to do),
// kAborted; kFileNotFound, kReadFailed for that file.
Volume read_nrrd(const VolumeSource& source, const Task& task);

}  // namespace medlsam
