// Operators of one node, for what no pass has claimed: row-major, on the node's inputs as they are.
#pragma once

#include <memory>

#include "kernels/gemm.hpp"
#include "networks/graph.hpp"
#include "runtimes/cpu/operator.hpp"

namespace medlsam::cpu {

std::unique_ptr<const Operator> plain_operator(const Node& node, Precision precision);

struct Computing {
  unsigned threads = 1;                       // of the tasks that the step runs in
  Precision precision = Precision::kFloat32;  // of what may be computed in a lower one
};

// What plan() of a plain operator gives, and what else it says of itself. By operation, in the files named
// after their kind.
struct PlainOperation {
  Step (*plan)(const Node& node, const OperatorShapes& shapes, const Computing& how);
  bool overwrites_inputs = false;  // any of them, whose shape is the result's
  std::optional<std::size_t> (*view)(const Node& node, const OperatorShapes& shapes) = nullptr;
};

// plain_arrangements.cpp: values that are moved, not computed.
std::optional<std::size_t> view_all(const Node& node, const OperatorShapes& shapes);
std::optional<std::size_t> view_slice(const Node& node, const OperatorShapes& shapes);
Step plan_slice(const Node& node, const OperatorShapes& shapes, const Computing& how);
Step plan_concat(const Node& node, const OperatorShapes& shapes, const Computing& how);
Step plan_transpose(const Node& node, const OperatorShapes& shapes, const Computing& how);
// plain_elements.cpp: value by value, row by row.
Step plan_relu(const Node& node, const OperatorShapes& shapes, const Computing& how);
Step plan_gelu(const Node& node, const OperatorShapes& shapes, const Computing& how);
Step plan_add(const Node& node, const OperatorShapes& shapes, const Computing& how);
Step plan_layer_norm(const Node& node, const OperatorShapes& shapes, const Computing& how);
// plain_images.cpp
Step plan_instance_norm_relu(const Node& node, const OperatorShapes& shapes, const Computing& how);
Step plan_max_pool(const Node& node, const OperatorShapes& shapes, const Computing& how);
Step plan_upsample(const Node& node, const OperatorShapes& shapes, const Computing& how);
// plain_products.cpp, plain_convolution.cpp, plain_attention.cpp
Step plan_linear(const Node& node, const OperatorShapes& shapes, const Computing& how);
Step plan_matmul_transposed(const Node& node, const OperatorShapes& shapes, const Computing& how);
Step plan_convolution(const Node& node, const OperatorShapes& shapes, const Computing& how);
Step plan_attention(const Node& node, const OperatorShapes& shapes, const Computing& how);
Step plan_window_attention(const Node& node, const OperatorShapes& shapes, const Computing& how);

}  // namespace medlsam::cpu
