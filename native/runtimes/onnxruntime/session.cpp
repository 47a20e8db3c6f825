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

std::vector<const char*> to_c(const std::vector<std::string>& names) {
  std::vector<const char*> pointers;
  for (const std::string& name : names) pointers.push_back(name.c_str());
  return pointers;
}

}  // namespace

Session::Session(const Graph& graph, const ParameterMap& parameters, const Execution& execution)
    : graph_(graph) {
  try {
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
    std::vector<Ort::Value> values;
    for (const Tensor& input : inputs) values.push_back(borrow(input));
    const auto input_names = to_c(inputs_), output_names = to_c(outputs_);
    Ort::RunOptions options;
    std::vector<Ort::Value> results;
    {
      // ONNX Runtime looks at this flag between nodes.
      const OnCancel terminating(task.cancelled, [&options] { options.SetTerminate(); });
      results = session_.Run(options, input_names.data(), values.data(), values.size(), output_names.data(),
                             output_names.size());
    }
    std::vector<Tensor> outputs;
    for (Ort::Value& result : results) outputs.push_back(adopt(std::move(result)));
    return outputs;
  } catch (const Ort::Exception& error) {
    task.check();  // a terminated run fails because we asked for it
    rethrow(error);
  }
}

}  // namespace medlsam::onnx
