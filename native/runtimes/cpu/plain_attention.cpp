#include "kernels/attention_layouts.hpp"
#include "runtimes/cpu/loops.hpp"
#include "runtimes/cpu/plain_operators.hpp"

namespace medlsam::cpu {
namespace {

template <class Attention>
void run_items(const Attention& attention, const Task& task) {
  parallel_for(task, static_cast<std::size_t>(attention.items()),
               [&](std::size_t item, std::size_t) { attention.run(static_cast<std::int64_t>(item)); });
}

}  // namespace

Step plan_attention(const Node& node, const OperatorShapes& shapes, const Computing& how) {
  TokenAttention planned;
  planned.query_batch = shapes.inputs[0][0];
  planned.key_batch = shapes.inputs[1][0];
  planned.queries = shapes.inputs[0][1];
  planned.keys = shapes.inputs[1][1];
  planned.width = shapes.inputs[0][2];
  planned.heads = node.attributes.integer("heads");
  planned.precision = how.precision;
  return {[planned](const Operands& operands, const Task& task) {
    TokenAttention attention = planned;
    attention.q = operands.input(0);
    attention.k = operands.input(1);
    attention.v = operands.input(2);
    attention.out = operands.result();
    run_items(attention, task);
  }};
}

Step plan_window_attention(const Node& node, const OperatorShapes& shapes, const Computing& how) {
  const Shape& grid = shapes.inputs[0];
  const std::int64_t window = node.attributes.integer("window");
  WindowAttention planned;
  planned.batch = grid[0];
  planned.height = grid[1];
  planned.width = grid[2];
  planned.channels = grid[3] / 3;
  planned.heads = node.attributes.integer("heads");
  planned.precision = how.precision;
  planned.window_height = window == 0 ? planned.height : window;
  planned.window_width = window == 0 ? planned.width : window;
  return {[planned](const Operands& operands, const Task& task) {
    const auto dim = static_cast<int>(planned.channels / planned.heads);
    const RelativePositions vertical(operands.input(2), static_cast<int>(planned.window_height), dim,
                                     planned.precision);
    const RelativePositions horizontal(operands.input(3), static_cast<int>(planned.window_width), dim,
                                       planned.precision);
    WindowAttention attention = planned;
    attention.qkv = operands.input(0);
    attention.bias = operands.input(1);
    attention.out = operands.result();
    attention.vertical = &vertical;
    attention.horizontal = &horizontal;
    run_items(attention, task);
  }};
}

}  // namespace medlsam::cpu
