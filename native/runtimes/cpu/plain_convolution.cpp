#include "kernels/convolution_general.hpp"
#include "runtimes/cpu/plain_operators.hpp"

namespace medlsam::cpu {
namespace {

// The axes from `first` on, or one of `lacking` before two.
Extents extents_of(const std::vector<std::int64_t>& axes, std::size_t first, std::int64_t lacking) {
  const bool three = axes.size() - first == 3;
  return {three ? axes[first] : lacking, axes[axes.size() - 2], axes[axes.size() - 1]};
}

}  // namespace

Step plan_convolution(const Node& node, const OperatorShapes& shapes, const Computing&) {
  const Shape &image = shapes.inputs[0], &weight = shapes.inputs[1];
  const bool has_bias = node.inputs.size() > 2;
  return {[=, extents = extents_of(image, 2, 1), kernel = extents_of(weight, 2, 1),
           padding = extents_of(node.attributes.list("padding"), 0, 0), batch = image[0], out = weight[0],
           channels = image[1]](const Operands& operands, const Task& task) {
    // Packing the weights anew costs as much as a place of the result or two.
    const ConvolutionWeights weights(operands.input(1), out, channels, kernel);
    convolve(task, batch, operands.input(0), extents, weights, padding,
             has_bias ? operands.input(2) : nullptr, operands.result());
  }};
}

}  // namespace medlsam::cpu
