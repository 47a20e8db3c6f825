#pragma once

#include "base/task.hpp"
#include "volumes/volume.hpp"

namespace medlsam {

// Every step-th voxel along (z, y, x), from index (step − 1) / 2 on, at its place: for viewing, because
// nothing is averaged, so that labels remain labels. An axis keeps at least one voxel. The result has no
// path. Throws kBadArgument for a step below 1; kAborted.
Volume thinned(const Volume& volume, const Index3& step, const Task& task);

}  // namespace medlsam
