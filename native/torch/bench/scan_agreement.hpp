#pragma once

#include "torch/bench/whole_scans.hpp"

namespace medlsam::torch {

// The demo models on a phantom, held against the CPU in float32: prints rows of the table, and says whether
// box walls and masks are as near as is asked for. `quick`: one organ of a small phantom.
bool check_agreement(const Place& place, bool quick);

}  // namespace medlsam::torch
