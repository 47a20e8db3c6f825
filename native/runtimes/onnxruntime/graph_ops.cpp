#include "runtimes/onnxruntime/graph_ops.hpp"

#include <algorithm>
#include <cstring>

#include "runtimes/onnxruntime/attention_ops.hpp"
#include "runtimes/onnxruntime/empty_model.hpp"
#include "runtimes/onnxruntime/instance_norm_op.hpp"
#include "runtimes/onnxruntime/operations.hpp"
#include "runtimes/onnxruntime/session.hpp"

namespace medlsam::onnx {
namespace {

// ONNX Runtime insists on copying what is smaller than this.
constexpr std::size_t kSmallestExternal = 128;

Ort::OpAttr ints(const char* name, const std::vector<std::int64_t>& values) {
  return Ort::OpAttr(name, values.data(), static_cast<int>(values.size()), ORT_OP_ATTR_INTS);
}
Ort::OpAttr integer(const char* name, std::int64_t value) {
  return Ort::OpAttr(name, &value, 1, ORT_OP_ATTR_INT);
}
Ort::OpAttr real(const char* name, float value) {
  return Ort::OpAttr(name, &value, 1, ORT_OP_ATTR_FLOAT);
}
Ort::OpAttr text(const char* name, const char* value) {
  return Ort::OpAttr(name, value, static_cast<int>(std::strlen(value)), ORT_OP_ATTR_STRING);
}

Ort::ValueInfo float_value(const std::string& name, const std::vector<std::int64_t>& shape) {
  Ort::TensorTypeAndShapeInfo tensor(ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, shape);
  const Ort::TypeInfo type = Ort::TypeInfo::CreateTensorInfo(tensor.GetConst());
  return Ort::ValueInfo(name, type.GetConst());
}

template <class... Attributes>
std::vector<Ort::OpAttr> attributes(Attributes&&... each) {
  std::vector<Ort::OpAttr> list;
  (list.push_back(std::move(each)), ...);
  return list;
}

}  // namespace

GraphOps::Tensor GraphOps::input(const std::string& name, const std::vector<std::int64_t>& shape) {
  inputs_.push_back(float_value(name, shape));
  input_names_.push_back(name);
  return name;
}

void GraphOps::initializer(const std::string& name, const float* data,
                           const std::vector<std::int64_t>& shape) {
  std::size_t count = 1;
  for (std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
  const bool external = count * sizeof(float) >= kSmallestExternal;
  if (external) {
    const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    auto value =
        Ort::Value::CreateTensor<float>(memory, const_cast<float*>(data), count, shape.data(), shape.size());
    graph_.AddInitializer(name, value, true);
  } else {
    Ort::AllocatorWithDefaultOptions allocator;
    auto value = Ort::Value::CreateTensor<float>(allocator, shape.data(), shape.size());
    std::memcpy(value.GetTensorMutableData<float>(), data, count * sizeof(float));
    graph_.AddInitializer(name, value, false);
  }
}

GraphOps::Tensor GraphOps::weight(const std::string& name, const TensorView& tensor) {
  if (initializers_.insert(name).second) {
    initializer(name, reinterpret_cast<const float*>(tensor.bytes.data()), tensor.shape);
  }
  return name;
}

GraphOps::Tensor GraphOps::constant(const std::string& name, std::vector<float> values) {
  if (initializers_.insert(name).second) {
    const auto& kept = constants_->emplace_back(std::move(values));
    initializer(name, kept.data(), {static_cast<std::int64_t>(kept.size())});
  }
  return name;
}

GraphOps::Tensor GraphOps::integers(const std::vector<std::int64_t>& values) {
  std::string name = "integers";
  for (const std::int64_t value : values) name += '_' + std::to_string(value);
  if (initializers_.insert(name).second) {
    Ort::AllocatorWithDefaultOptions allocator;
    const auto count = static_cast<std::int64_t>(values.size());
    auto tensor = Ort::Value::CreateTensor<std::int64_t>(allocator, &count, 1);
    std::copy(values.begin(), values.end(), tensor.GetTensorMutableData<std::int64_t>());
    graph_.AddInitializer(name, tensor, false);
  }
  return name;
}

GraphOps::Tensor GraphOps::node(const char* op, const std::vector<Tensor>& inputs,
                                std::vector<Ort::OpAttr> attributes_of_node, const char* domain) {
  const std::string name = std::string(op) + '_' + std::to_string(nodes_++);
  Ort::Node node(op, domain, name, inputs, {name}, attributes_of_node);
  graph_.AddNode(node);
  return name;
}

GraphOps::Tensor GraphOps::conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias, int padding) {
  return node("Conv", {x, weight, bias}, attributes(ints("pads", std::vector<std::int64_t>(6, padding))));
}

GraphOps::Tensor GraphOps::instance_norm_relu(const Tensor& x, float epsilon) {
  return node(kInstanceNormRelu, {x}, attributes(real("epsilon", epsilon)), kDomain);
}

GraphOps::Tensor GraphOps::max_pool3d(const Tensor& x, int size) {
  const std::vector<std::int64_t> window(3, size);
  return node("MaxPool", {x}, attributes(ints("kernel_shape", window), ints("strides", window)));
}

GraphOps::Tensor GraphOps::upsample_trilinear(const Tensor& x, int factor) {
  const auto f = static_cast<float>(factor);
  const Tensor scales = constant("upsample_" + std::to_string(factor), {1, 1, f, f, f});
  return node("Resize", {x, "", scales},
              attributes(text("mode", "linear"), text("coordinate_transformation_mode", "half_pixel")));
}

GraphOps::Tensor GraphOps::concat(const Tensor& a, const Tensor& b) {
  return node("Concat", {a, b}, attributes(integer("axis", 1)));
}

GraphOps::Tensor GraphOps::flatten(const Tensor& x) {
  return node("Flatten", {x}, {});
}

GraphOps::Tensor GraphOps::matmul_transposed(const Tensor& a, const Tensor& b) {
  return node("FusedMatMul", {a, b}, attributes(integer("transB", 1)), kMicrosoft);
}

GraphOps::Tensor GraphOps::linear(const Tensor& x, const Tensor& weight) {
  return matmul_transposed(x, weight);
}

GraphOps::Tensor GraphOps::linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return add(linear(x, weight), bias);
}

GraphOps::Tensor GraphOps::conv2d(const Tensor& x, const Tensor& weight, int padding) {
  return node("Conv", {x, weight}, attributes(ints("pads", std::vector<std::int64_t>(4, padding))));
}

GraphOps::Tensor GraphOps::layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias,
                                      float epsilon) {
  return node("LayerNormalization", {x, weight, bias}, attributes(real("epsilon", epsilon)));
}

GraphOps::Tensor GraphOps::relu(const Tensor& x) {
  return node("Relu", {x}, {});
}

GraphOps::Tensor GraphOps::gelu(const Tensor& x) {
  return node("Gelu", {x}, {}, kMicrosoft);
}

GraphOps::Tensor GraphOps::add(const Tensor& a, const Tensor& b) {
  return node("Add", {a, b}, {});
}

GraphOps::Tensor GraphOps::reshape(const Tensor& x, const std::vector<std::int64_t>& shape) {
  return node("Reshape", {x, integers(shape)}, {});
}

GraphOps::Tensor GraphOps::transpose(const Tensor& x, const std::vector<std::int64_t>& axes) {
  return node("Transpose", {x}, attributes(ints("perm", axes)));
}

GraphOps::Tensor GraphOps::slice(const Tensor& x, int axis, std::int64_t begin, std::int64_t end) {
  return node("Slice", {x, integers({begin}), integers({end}), integers({axis})}, {});
}

GraphOps::Tensor GraphOps::attention(const Tensor& q, const Tensor& k, const Tensor& v, int heads) {
  return node(kAttention, {q, k, v}, attributes(integer("heads", heads)), kDomain);
}

GraphOps::Tensor GraphOps::window_attention(const Tensor& qkv, const Tensor& bias, const Tensor& vertical,
                                            const Tensor& horizontal, int heads, int window) {
  return node(kWindowAttention, {qkv, bias, vertical, horizontal},
              attributes(integer("heads", heads), integer("window", window)), kDomain);
}

void GraphOps::output(const Tensor& value, std::size_t rank) {
  outputs_.push_back(float_value(value, std::vector<std::int64_t>(rank, -1)));
  output_names_.push_back(value);
}

std::unique_ptr<Network> GraphOps::build(const Execution& execution) {
  graph_.SetInputs(inputs_);
  graph_.SetOutputs(outputs_);
  Ort::Model model(opsets());
  model.AddGraph(graph_);
  return std::make_unique<Session>(model, input_names_, output_names_, constants_, execution);
}

}  // namespace medlsam::onnx
