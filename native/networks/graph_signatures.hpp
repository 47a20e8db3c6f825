// The inputs and attributes that each operation takes, for the rules of shapes (graph_shapes.cpp).
#pragma once

#include <cstddef>
#include <string>

#include "networks/graph.hpp"

namespace medlsam {

// The reason why a node does not fit; result_shape adds the operation and the shapes.
struct Misfit {
  std::string what;
};

// Throws Misfit.
inline void expect(bool fits, const char* what) {
  if (!fits) throw Misfit{what};
}

// Throws Misfit unless the operation takes as many inputs and these attributes.
void check_signature(Op op, std::size_t inputs, const Attributes& attributes);

}  // namespace medlsam
