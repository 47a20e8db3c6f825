// The seam between a network and what runs it: a network records a Graph (graph.hpp), a runtime
// (native/runtimes) compiles it to a Network.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/task.hpp"
#include "base/tensor.hpp"
#include "networks/graph.hpp"

namespace medlsam {

// A network's parameters by name, float32 on the host.
using ParameterMap = std::map<std::string, TensorView>;

class Network {
 public:
  virtual ~Network() = default;
  // The device that it computes on.
  virtual Device device() const { return {}; }
  // float32 inputs and outputs in the order of the graph's. Cancelled between operations where the runtime
  // can. Safe to call from several threads.
  virtual std::vector<Tensor> run(std::span<const Tensor> inputs, const Task& task) = 0;
  // The number of small inputs to run at once: as many as gain by it where a run has its own costs,
  // few where their activations then stay in a processor's caches.
  virtual std::int64_t best_batch() const { return 8; }
};

// A runtime with its placement chosen. The parameters' memory outlives the Network.
using Compile = std::function<std::unique_ptr<Network>(const Graph& graph, const ParameterMap& parameters)>;

}  // namespace medlsam
