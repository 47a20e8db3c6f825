// Operations of our own for ONNX Runtime's CPU provider, where its own are too slow or too inexact.
#pragma once

#include <cstddef>

#include "runtimes/onnxruntime/api.hpp"

namespace medlsam::onnx {

inline constexpr const char* kDomain = "medlsam";

// For SessionOptions::Add.
const Ort::CustomOpDomain& operations();

// An operation of kInputs float inputs and one float output. `Op` adds GetName, and InferOutputShape where
// shapes matter to what follows.
template <class Op, class Kernel, int kInputs>
struct Operation : Ort::CustomOpBase<Op, Kernel> {
  void* CreateKernel(const OrtApi&, const OrtKernelInfo* info) const { return new Kernel(info); }
  std::size_t GetInputTypeCount() const { return kInputs; }
  ONNXTensorElementDataType GetInputType(std::size_t) const { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; }
  std::size_t GetOutputTypeCount() const { return 1; }
  ONNXTensorElementDataType GetOutputType(std::size_t) const { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; }
};

// body(i) for i < count on the threads of the session.
template <class Body>
void parallel(const Ort::KernelContext& context, std::int64_t count, const Body& body) {
  context.ParallelFor(
      [](void* data, std::size_t i) { (*static_cast<const Body*>(data))(static_cast<std::int64_t>(i)); },
      static_cast<std::size_t>(count), static_cast<std::size_t>(count), const_cast<Body*>(&body));
}

}  // namespace medlsam::onnx
