// Departures of a scanner's image from the tissues' HU, other than noise: streaks, kernel, thick slices.
#pragma once

#include "phantom/render.hpp"

namespace medlsam::phantom {

// Changes the HU, never the labels. The same for any number of threads. Throws kAborted.
void add_artefacts(Rendering& rendering, const Scan& scan, std::uint32_t seed, const Task& task);

}  // namespace medlsam::phantom
