#pragma once

#include <memory>
#include <string>
#include <vector>

#include "networks/network.hpp"
#include "runtimes/onnxruntime/execution.hpp"
#include "runtimes/onnxruntime/translator.hpp"

namespace medlsam::onnx {

// A graph made runnable. Our own operations have CPU kernels only; on CUDA, ONNX Runtime carries their
// tensors there and back.
class Session : public Network {
 public:
  // Throws kInternal with ONNX Runtime's words.
  Session(const Graph& graph, const ParameterMap& parameters, const Execution& execution);

  std::vector<Tensor> run(std::span<const Tensor> inputs, const Task& task) override;

 private:
  Graph graph_;
  std::vector<std::string> inputs_, outputs_;
  std::shared_ptr<const void> constants_;
  Ort::MemoryInfo output_memory_{nullptr};
  Ort::Session session_{nullptr};
};

}  // namespace medlsam::onnx
