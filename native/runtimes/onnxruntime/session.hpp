#pragma once

#include <memory>
#include <string>
#include <vector>

#include "networks/medlam_model.hpp"
#include "networks/network.hpp"
#include "networks/sam_model.hpp"
#include "runtimes/onnxruntime/api.hpp"
#include "runtimes/onnxruntime/execution.hpp"

namespace medlsam::onnx {

// A graph made runnable. Our own operations have CPU kernels only; on CUDA, ONNX Runtime carries their
// tensors there and back.
class Session : public Network {
 public:
  // `constants` is memory the graph points into. Throws kInternal with ONNX Runtime's words.
  Session(const Ort::Model& model, std::vector<std::string> inputs, std::vector<std::string> outputs,
          std::shared_ptr<const void> constants, const Execution& execution);

  std::vector<Array> run(std::span<const Array> inputs, const Task& task) override;

 private:
  std::vector<std::string> inputs_, outputs_;
  std::shared_ptr<const void> constants_;
  Ort::Session session_{nullptr};
};

// MedLAM on ONNX Runtime; load() first.
MedLamBuilder medlam_builder(const Execution& execution);

// SAM likewise.
SamBuilder sam_builder(const Execution& execution);

}  // namespace medlsam::onnx
