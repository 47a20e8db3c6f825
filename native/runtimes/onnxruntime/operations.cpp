#include "runtimes/onnxruntime/operations.hpp"

#include "runtimes/onnxruntime/attention_ops.hpp"
#include "runtimes/onnxruntime/instance_norm_op.hpp"

namespace medlsam::onnx {

const Ort::CustomOpDomain& operations() {
  // Leaked on purpose, like the environment.
  static const auto* domain = [] {
    auto* made = new Ort::CustomOpDomain(kDomain);
    add_attention(*made);
    add_instance_norm(*made);
    return made;
  }();
  return *domain;
}

}  // namespace medlsam::onnx
