// A graph as JSON, to hand it to a library with which no C++ type is shared:
//
//   {"values": [{"input": "patch", "shape": [-1, 1, 64, 64, 64]},
//               {"parameter": "fc1.weight", "shape": [192, 24576]},
//               {"op": "linear", "inputs": [0, 1], "integers": {}, "reals": {}}, …],
//    "outputs": [2, …]}
//
// A value is called by its place in the list.
#pragma once

#include "base/json.hpp"
#include "networks/graph.hpp"

namespace medlsam {

void write_graph(JsonWriter& json, const Graph& graph);

// Checks shapes anew. Throws what the reader throws, and kInternal for a graph that does not fit together.
Graph read_graph(JsonReader& json);

}  // namespace medlsam
