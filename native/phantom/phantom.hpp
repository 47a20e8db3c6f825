// Synthetic CT scans with labeled organs, made from formulas and a seed: no patient's data.
#pragma once

#include "base/task.hpp"
#include "phantom/scan.hpp"
#include "phantom/subject.hpp"
#include "volumes/volume.hpp"

namespace medlsam::phantom {

struct Phantom {
  Volume image;   // int16; value = stored + intercept in HU
  Volume labels;  // uint8, see organs.hpp; organs that were removed or lie outside the scan do not occur
  Subject subject;
  Scan scan;
};

// The same bytes for the same seed and options, whatever the number of threads. Throws kBadArgument
// (see plan_scan), kAborted.
Phantom make_phantom(std::uint32_t seed, const ScanOptions& options, const Task& task);

}  // namespace medlsam::phantom
