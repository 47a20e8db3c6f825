#pragma once

#include <ATen/ATen.h>

#include <cstddef>
#include <optional>
#include <vector>

#include "networks/graph.hpp"
#include "torch/aten/convolution_unit.hpp"

namespace medlsam::torch {

// The values of a graph while it is computed: tensors, or the blocked activations between units of 3D
// convolutions, which become tensors where another operation asks for them.
class GraphValues {
 public:
  explicit GraphValues(const Graph& graph);

  bool has(Value value) const;
  void set(Value value, const at::Tensor& tensor) { at(value).tensor = tensor; }
  void forget(Value value) { at(value) = {}; }
  const at::Tensor& tensor(Value value);

  // Computes a node, and those that join it in a unit, on blocked activations. False, and nothing is done, if
  // it is no part of such a unit.
  bool compute_blocked(std::size_t node);

 private:
  struct Slot {
    at::Tensor tensor;
    std::vector<UnitSource> parts;  // joined along the channels
  };

  Slot& at(Value value) { return slots_[static_cast<std::size_t>(value.index)]; }
  const Slot& at(Value value) const { return slots_[static_cast<std::size_t>(value.index)]; }
  // The only node that reads a value, which is no output.
  const Node* only_reader(Value value) const;
  const Node* pooling_of(Value value) const;
  bool compute_unit(const Node& convolution);
  bool join_sources(const Node& concat);
  bool upsample_source(const Node& upsample);

  const Graph& graph_;
  std::vector<std::vector<std::size_t>> readers_;  // nodes, by value
  std::vector<bool> is_output_;                    // by value
  std::vector<Slot> slots_;
};

}  // namespace medlsam::torch
