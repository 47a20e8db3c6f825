// Shapes of the results of a graph's nodes.
#pragma once

#include <span>
#include <string>

#include "networks/graph.hpp"

namespace medlsam {

// The result's shape. Throws kInternal with the operation, the inputs' shapes and what does not fit: inputs
// or attributes too few, too many or unknown, extents that differ.
Shape result_shape(Op op, std::span<const Shape> inputs, const Attributes& attributes);

// Whether a tensor of shape `found` may be where `declared` is, which may have kAnyExtent.
bool shape_fits(const Shape& declared, const Shape& found);

}  // namespace medlsam
