#include "runtimes/onnxruntime/translator.hpp"

#include <algorithm>
#include <cstring>
#include <deque>
#include <span>
#include <utility>

#include "runtimes/onnxruntime/attention_ops.hpp"
#include "runtimes/onnxruntime/empty_model.hpp"
#include "runtimes/onnxruntime/instance_norm_op.hpp"
#include "runtimes/onnxruntime/operations.hpp"
#include "runtimes/runtime.hpp"

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
Ort::OpAttr real(const char* name, double value) {
  const auto single = static_cast<float>(value);
  return Ort::OpAttr(name, &single, 1, ORT_OP_ATTR_FLOAT);
}
Ort::OpAttr text(const char* name, const char* value) {
  return Ort::OpAttr(name, value, static_cast<int>(std::strlen(value)), ORT_OP_ATTR_STRING);
}

Ort::ValueInfo float_value(const std::string& name, const Shape& shape) {
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

class Translator {
 public:
  Translator(const Graph& source, const ParameterMap& parameters) : source_(source), names_(source.values()) {
    for (const NamedValue& input : source.inputs()) {
      inputs_.push_back(float_value(input.name, source.shape(input.value)));
      input_names_.push_back(input.name);
      name(input.value) = input.name;
    }
    for (const NamedValue& parameter : source.parameters()) {
      initializer(parameter.name, parameter_values(source, parameter, parameters),
                  source.shape(parameter.value));
      name(parameter.value) = parameter.name;
    }
    for (const Node& node : source.nodes()) name(node.result) = translate(node);
    for (const Value value : source.outputs()) {
      // ONNX Runtime must know the rank; the extents it infers.
      outputs_.push_back(float_value(name(value), Shape(source.shape(value).size(), kAnyExtent)));
      output_names_.push_back(name(value));
    }
  }

  // Ends the graph; the Translator is spent.
  Translation take() {
    graph_.SetInputs(inputs_);
    graph_.SetOutputs(outputs_);
    Ort::Model model(opsets());
    model.AddGraph(graph_);
    return {std::move(model), std::move(input_names_), std::move(output_names_), constants_};
  }

 private:
  // The name of an ONNX value.
  std::string& name(Value value) { return names_.at(static_cast<std::size_t>(value.index)); }

  std::string add(const char* op, const std::vector<std::string>& inputs,
                  std::vector<Ort::OpAttr> attributes_of_node, const char* domain = "") {
    const std::string result = std::string(op) + '_' + std::to_string(nodes_++);
    Ort::Node node(op, domain, result, inputs, {result}, attributes_of_node);
    graph_.AddNode(node);
    return result;
  }

  void initializer(const std::string& name, std::span<const float> values, const Shape& shape) {
    if (values.size_bytes() >= kSmallestExternal) {
      const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
      auto value = Ort::Value::CreateTensor<float>(memory, const_cast<float*>(values.data()), values.size(),
                                                   shape.data(), shape.size());
      graph_.AddInitializer(name, value, true);
    } else {
      Ort::AllocatorWithDefaultOptions allocator;
      auto value = Ort::Value::CreateTensor<float>(allocator, shape.data(), shape.size());
      std::memcpy(value.GetTensorMutableData<float>(), values.data(), values.size_bytes());
      graph_.AddInitializer(name, value, false);
    }
  }

  std::string reals(const std::string& name, std::vector<float> values) {
    if (constant_names_.insert(name).second) {
      const auto& kept = constants_->emplace_back(std::move(values));
      initializer(name, kept, {static_cast<std::int64_t>(kept.size())});
    }
    return name;
  }

  std::string integers(const std::vector<std::int64_t>& values) {
    std::string name = "integers";
    for (const std::int64_t value : values) name += '_' + std::to_string(value);
    if (constant_names_.insert(name).second) {
      Ort::AllocatorWithDefaultOptions allocator;
      const auto count = static_cast<std::int64_t>(values.size());
      auto tensor = Ort::Value::CreateTensor<std::int64_t>(allocator, &count, 1);
      std::copy(values.begin(), values.end(), tensor.GetTensorMutableData<std::int64_t>());
      graph_.AddInitializer(name, tensor, false);
    }
    return name;
  }

  std::string translate(const Node& node);
  std::string convolution(const Node& node, const std::vector<std::string>& inputs);
  std::string max_pool(const Node& node, const std::vector<std::string>& inputs);
  std::string upsample(const Node& node, const std::vector<std::string>& inputs);
  std::string linear(const std::vector<std::string>& inputs);
  std::string matmul_transposed(const std::string& a, const std::string& b);
  std::string slice(const Node& node, const std::vector<std::string>& inputs);

  const Graph& source_;
  Ort::Graph graph_;
  std::vector<std::string> names_;
  std::vector<Ort::ValueInfo> inputs_, outputs_;
  std::vector<std::string> input_names_, output_names_;
  std::unordered_set<std::string> constant_names_;
  std::shared_ptr<std::deque<std::vector<float>>> constants_ =
      std::make_shared<std::deque<std::vector<float>>>();
  int nodes_ = 0;
};

std::string Translator::convolution(const Node& node, const std::vector<std::string>& inputs) {
  const auto& padding = node.attributes.list("padding");
  std::vector<std::int64_t> pads = padding;  // at the beginnings, then at the ends
  pads.insert(pads.end(), padding.begin(), padding.end());
  return add("Conv", inputs, attributes(ints("pads", pads)));
}

std::string Translator::max_pool(const Node& node, const std::vector<std::string>& inputs) {
  const std::vector<std::int64_t> window(source_.shape(node.result).size() - 2,
                                         node.attributes.integer("size"));
  return add("MaxPool", inputs, attributes(ints("kernel_shape", window), ints("strides", window)));
}

std::string Translator::upsample(const Node& node, const std::vector<std::string>& inputs) {
  const std::int64_t factor = node.attributes.integer("factor");
  const auto f = static_cast<float>(factor);
  const std::string scales = reals("upsample_" + std::to_string(factor), {1, 1, f, f, f});
  return add("Resize", {inputs[0], "", scales},
             attributes(text("mode", "linear"), text("coordinate_transformation_mode", "half_pixel")));
}

std::string Translator::matmul_transposed(const std::string& a, const std::string& b) {
  return add("FusedMatMul", {a, b}, attributes(integer("transB", 1)), kMicrosoft);
}

std::string Translator::linear(const std::vector<std::string>& inputs) {
  const std::string product = matmul_transposed(inputs[0], inputs[1]);
  return inputs.size() > 2 ? add("Add", {product, inputs[2]}, {}) : product;
}

std::string Translator::slice(const Node& node, const std::vector<std::string>& inputs) {
  const std::string begin = integers({node.attributes.integer("begin")});
  const std::string end = integers({node.attributes.integer("end")});
  const std::string axis = integers({node.attributes.integer("axis")});
  return add("Slice", {inputs[0], begin, end, axis}, {});
}

std::string Translator::translate(const Node& node) {
  std::vector<std::string> inputs;
  for (const Value input : node.inputs) inputs.push_back(name(input));
  const auto whole = [&](const char* attribute) {
    return integer(attribute, node.attributes.integer(attribute));
  };
  const auto epsilon = [&] { return real("epsilon", node.attributes.real("epsilon")); };
  switch (node.op) {
    case Op::kConvolution:
      return convolution(node, inputs);
    case Op::kInstanceNormRelu:
      return add(kInstanceNormRelu, inputs, attributes(epsilon()), kDomain);
    case Op::kMaxPool:
      return max_pool(node, inputs);
    case Op::kUpsample:
      return upsample(node, inputs);
    case Op::kConcat:
      return add("Concat", inputs, attributes(whole("axis")));
    case Op::kFlatten:
      return add("Flatten", inputs, {});
    case Op::kDropout:
      return inputs[0];
    case Op::kLinear:
      return linear(inputs);
    case Op::kMatMulTransposed:
      return matmul_transposed(inputs[0], inputs[1]);
    case Op::kLayerNorm:
      return add("LayerNormalization", inputs, attributes(epsilon()));
    case Op::kRelu:
      return add("Relu", inputs, {});
    case Op::kGelu:
      return add("Gelu", inputs, {}, kMicrosoft);
    case Op::kAdd:
      return add("Add", inputs, {});
    case Op::kReshape:
      return add("Reshape", {inputs[0], integers(node.attributes.list("shape"))}, {});
    case Op::kTranspose:
      return add("Transpose", inputs, attributes(ints("perm", node.attributes.list("axes"))));
    case Op::kSlice:
      return slice(node, inputs);
    case Op::kAttention:
      return add(kAttention, inputs, attributes(whole("heads")), kDomain);
    case Op::kWindowAttention:
      return add(kWindowAttention, inputs, attributes(whole("heads"), whole("window")), kDomain);
  }
  throw Error(ErrorCode::kInternal, "ONNX Runtime has no operation " + std::string(op_name(node.op)) + '.');
}

}  // namespace

Translation translate(const Graph& graph, const ParameterMap& parameters) {
  return Translator(graph, parameters).take();
}

}  // namespace medlsam::onnx
