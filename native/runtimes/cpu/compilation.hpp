// A graph while it is compiled: passes take groups of nodes for operators of their own, and each node that is
// left becomes a plain one.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "kernels/gemm.hpp"
#include "networks/graph.hpp"
#include "networks/network.hpp"
#include "runtimes/cpu/operator.hpp"

namespace medlsam::cpu {

class Compilation {
 public:
  // Both outlive the operators. Throws kInternal for a parameter that is missing or does not fit.
  Compilation(const Graph& graph, const ParameterMap& parameters, Precision precision = Precision::kFloat32);

  const Graph& graph() const { return graph_; }
  const Node& node(std::size_t index) const { return graph_.nodes()[index]; }
  Precision precision() const { return precision_; }  // of what may be computed in a lower one
  // A parameter's values; null for other values.
  const float* parameter(Value value) const { return parameters_[index_of(value)]; }
  // Indices of the nodes that read the value, in order.
  const std::vector<std::size_t>& readers(Value value) const { return readers_[index_of(value)]; }
  bool is_output(Value value) const;
  // The node that makes the value; null for inputs and parameters.
  const Node* producer(Value value) const;
  std::size_t index_of(const Node& node) const {
    return static_cast<std::size_t>(&node - graph_.nodes().data());
  }
  // Whether the value is read by one node alone and is no output: it need not be in memory if that node and
  // its producer become one operator.
  bool is_inner(Value value) const { return readers(value).size() == 1 && !is_output(value); }

  bool is_claimed(std::size_t node) const { return claimed_[node]; }
  // Takes nodes that nothing else has taken. Values that other nodes read, or that are outputs, must be among
  // the operator's results.
  void claim(std::span<const std::size_t> nodes, std::unique_ptr<const Operator> made);

  // The operators of all nodes, in an order in which they can run. Ends the compilation.
  std::vector<std::unique_ptr<const Operator>> finish();

 private:
  static std::size_t index_of(Value value) { return static_cast<std::size_t>(value.index); }

  const Graph& graph_;
  const Precision precision_;
  std::vector<const float*> parameters_;           // of every value
  std::vector<std::vector<std::size_t>> readers_;  // of every value
  std::vector<std::size_t> producers_;             // of every value: a node, or the number of nodes
  std::vector<bool> claimed_;                      // of every node
  std::vector<std::unique_ptr<const Operator>> operators_;
};

// A pass claims what it can compute better than node by node.
using Pass = void (*)(Compilation&);
// All passes, in the order in which they run.
std::span<const Pass> passes();

}  // namespace medlsam::cpu
