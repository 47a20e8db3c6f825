// Turns a rendering into the volume a scanner would store: noise, the round field of view, the stored order.
#pragma once

#include "phantom/render.hpp"
#include "volumes/volume.hpp"

namespace medlsam::phantom {

// An int16 volume of HU, the same for any number of threads. Throws kAborted.
Volume reconstruct_image(const Rendering& rendering, const Scan& scan, std::uint32_t seed, const Task& task);

// A uint8 volume of labels on the same grid.
Volume reconstruct_labels(const Rendering& rendering, const Scan& scan, const Task& task);

}  // namespace medlsam::phantom
