// A graph (networks/graph.hpp) as ONNX nodes in memory: no Python, no export, no file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "networks/network.hpp"
#include "runtimes/onnxruntime/api.hpp"

namespace medlsam::onnx {

// Everything that a session is made of.
struct Translation {
  Ort::Model model{nullptr};
  std::vector<std::string> inputs, outputs;
  std::shared_ptr<const void> constants;  // memory the model points into
};

// Large parameters are not copied: their bytes must outlive the session.
Translation translate(const Graph& graph, const ParameterMap& parameters);

}  // namespace medlsam::onnx
