// Ops (networks/medlam.hpp, sam_encoder.hpp) that emit ONNX nodes into a graph in memory: no Python, no
// export, no file.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/tensor.hpp"
#include "networks/network.hpp"
#include "runtimes/onnxruntime/api.hpp"
#include "runtimes/onnxruntime/execution.hpp"

namespace medlsam::onnx {

class GraphOps {
 public:
  using Tensor = std::string;  // the name of an ONNX value

  // A float input whose −1 extents are free.
  Tensor input(const std::string& name, const std::vector<std::int64_t>& shape);

  // Large parameters are not copied: their bytes must outlive the Network.
  Tensor weight(const std::string& name, const TensorView& tensor);
  Tensor conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias, int padding);
  Tensor instance_norm_relu(const Tensor& x, float epsilon);
  Tensor max_pool3d(const Tensor& x, int size);
  Tensor upsample_trilinear(const Tensor& x, int factor);
  Tensor concat(const Tensor& a, const Tensor& b);
  Tensor flatten(const Tensor& x);
  Tensor dropout(const Tensor& x) { return x; }
  Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias);

  Tensor linear(const Tensor& x, const Tensor& weight);
  Tensor conv2d(const Tensor& x, const Tensor& weight, int padding);
  Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, float epsilon);
  Tensor relu(const Tensor& x);
  Tensor gelu(const Tensor& x);
  Tensor add(const Tensor& a, const Tensor& b);
  Tensor reshape(const Tensor& x, const std::vector<std::int64_t>& shape);
  Tensor transpose(const Tensor& x, const std::vector<std::int64_t>& axes);
  Tensor slice(const Tensor& x, int axis, std::int64_t begin, std::int64_t end);
  Tensor matmul_transposed(const Tensor& a, const Tensor& b);
  Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, int heads);
  Tensor window_attention(const Tensor& qkv, const Tensor& bias, const Tensor& vertical,
                          const Tensor& horizontal, int heads, int window);

  // Declares the next output of the Network. ONNX Runtime must know its rank; the extents it infers.
  void output(const Tensor& value, std::size_t rank);

  // Ends the graph and makes it runnable. The GraphOps is spent.
  std::unique_ptr<Network> build(const Execution& execution);

 private:
  Tensor node(const char* op, const std::vector<Tensor>& inputs, std::vector<Ort::OpAttr> attributes,
              const char* domain = "");
  Tensor constant(const std::string& name, std::vector<float> values);
  Tensor integers(const std::vector<std::int64_t>& values);
  void initializer(const std::string& name, const float* data, const std::vector<std::int64_t>& shape);

  Ort::Graph graph_;
  std::vector<Ort::ValueInfo> inputs_, outputs_;
  std::vector<std::string> input_names_, output_names_;
  std::unordered_set<std::string> initializers_;
  std::shared_ptr<std::deque<std::vector<float>>> constants_ =
      std::make_shared<std::deque<std::vector<float>>>();
  int nodes_ = 0;
};

}  // namespace medlsam::onnx
