#pragma once

#include "base/task.hpp"
#include "volumes/volume.hpp"

namespace medlsam {

// Every step-th voxel along (z, y, x), from index (step − 1) / 2 on, in its place: for looking at, as nothing
// is averaged, which also keeps labels labels. An axis keeps at least one voxel. The result came from no
// file. Throws kBadArgument for a step below 1; kAborted.
Volume thinned(const Volume& volume, const Index3& step, const Task& task);

}  // namespace medlsam
