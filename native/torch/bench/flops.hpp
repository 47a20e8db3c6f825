#pragma once

#include <cstdint>

#include "networks/graph.hpp"

namespace medlsam::torch {

// Multiplications and additions of a graph's convolutions, linear maps and attention for one row of a batch,
// without the padding of windows.
double count_flops(const Graph& graph);

}  // namespace medlsam::torch
