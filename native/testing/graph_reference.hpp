// The meaning of every operation of a graph: the one definition, in double precision and as plainly as the
// comments of networks/graph.hpp, that all runtimes are tested against.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "networks/graph.hpp"
#include "testing/double_tensor.hpp"

namespace medlsam {

// The graph's outputs.
std::vector<DoubleTensor> evaluate_graph(const Graph& graph,
                                         const std::map<std::string, DoubleTensor>& parameters,
                                         std::span<const DoubleTensor> inputs);

}  // namespace medlsam
