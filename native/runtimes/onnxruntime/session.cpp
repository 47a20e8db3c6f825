#include "runtimes/onnxruntime/session.hpp"

#include "runtimes/onnxruntime/empty_model.hpp"
#include "runtimes/onnxruntime/operations.hpp"

namespace medlsam::onnx {
namespace {

[[noreturn]] void rethrow(const Ort::Exception& error) {
  throw Error(device_error_code(error.what()), std::string("ONNX Runtime: ") + error.what());
}

Ort::Value borrow(const Tensor& tensor) {
  const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  const Shape& shape = tensor.shape();
  return Ort::Value::CreateTensor<float>(memory, const_cast<float*>(tensor.floats()), tensor.elements(),
                                         shape.data(), shape.size());
}

Tensor adopt(Ort::Value&& value) {
  const auto owner = std::make_shared<Ort::Value>(std::move(value));
  return Tensor::on_host(owner->GetTensorData<float>(), owner->GetTensorTypeAndShapeInfo().GetShape(), owner);
}

// Where outputs are written. Those of a GPU go to pinned memory of the host in one copy, which the GPU does
// by itself; unbound ones would go through pageable memory.
Ort::MemoryInfo output_memory(const Execution& execution) {
  if (!execution.cuda) return Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  return {"CudaPinned", OrtDeviceAllocator, *execution.cuda, OrtMemTypeCPUOutput};
}

}  // namespace

Session::Session(const Graph& graph, const ParameterMap& parameters, const Execution& execution)
    : graph_(graph) {
  try {
    output_memory_ = output_memory(execution);
    Translation translation = translate(graph, parameters);
    inputs_ = std::move(translation.inputs);
    outputs_ = std::move(translation.outputs);
    constants_ = std::move(translation.constants);
    Ort::SessionOptions options = session_options(execution);
    options.Add(operations());
    const std::string empty = empty_model();
    session_ = Ort::Session::CreateModelEditorSession(environment(), empty.data(), empty.size(), options);
    session_.FinalizeModelEditorSession(translation.model, options, nullptr);
  } catch (const Ort::Exception& error) {
    rethrow(error);
  }
}

std::vector<Tensor> Session::run(std::span<const Tensor> inputs, const Task& task) {
  task.check();
  std::vector<Shape> shapes;
  for (const Tensor& input : inputs) shapes.push_back(input.shape());
  graph_.check_inputs(shapes);
  try {
    Ort::IoBinding binding(session_);
    for (std::size_t i = 0; i < inputs.size(); ++i) binding.BindInput(inputs_[i].c_str(), borrow(inputs[i]));
    for (const std::string& output : outputs_) binding.BindOutput(output.c_str(), output_memory_);
    Ort::RunOptions options;
    {
      // ONNX Runtime looks at this flag between nodes.
      const OnCancel terminating(task.cancelled, [&options] { options.SetTerminate(); });
      session_.Run(options, binding);
    }
    std::vector<Tensor> outputs;
    for (Ort::Value& result : binding.GetOutputValues()) outputs.push_back(adopt(std::move(result)));
    return outputs;
  } catch (const Ort::Exception& error) {
    task.check();  // a terminated run fails because we asked for it
    rethrow(error);
  }
}

}  // namespace medlsam::onnx
