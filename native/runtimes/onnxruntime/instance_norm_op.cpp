#include "runtimes/onnxruntime/instance_norm_op.hpp"

#include <cstdint>

#include "kernels/instance_norm.hpp"
#include "runtimes/onnxruntime/operations.hpp"

namespace medlsam::onnx {
namespace {

class Kernel {
 public:
  explicit Kernel(const OrtKernelInfo* info)
      : epsilon_(Ort::ConstKernelInfo(info).GetAttribute<float>("epsilon")) {}

  void Compute(OrtKernelContext* raw) {
    const Ort::KernelContext context(raw);
    const auto input = context.GetInput(0);
    const auto shape = input.GetTensorTypeAndShapeInfo().GetShape();
    std::int64_t count = 1;
    for (std::size_t axis = 2; axis < shape.size(); ++axis) count *= shape[axis];
    const float* x = input.GetTensorData<float>();
    float* out = context.GetOutput(0, shape).GetTensorMutableData<float>();
    parallel(context, shape[0] * shape[1], [&](std::int64_t channel) {
      instance_norm_relu(x + channel * count, out + channel * count, count, epsilon_);
    });
  }

 private:
  float epsilon_;
};

struct InstanceNormReluOp : Operation<InstanceNormReluOp, Kernel, 1> {
  InstanceNormReluOp() {
    // The output may take the input's memory.
    GetMayInplace = [](int** inputs, int** outputs) -> std::size_t {
      static int first = 0;
      *inputs = *outputs = &first;
      return 1;
    };
    ReleaseMayInplace = [](int*, int*) {};
  }

  const char* GetName() const { return kInstanceNormRelu; }
  static Ort::Status InferOutputShape(Ort::ShapeInferContext& context) {
    return context.SetOutputShape(0, context.GetInputShape(0));
  }
};

}  // namespace

void add_instance_norm(Ort::CustomOpDomain& domain) {
  static const InstanceNormReluOp instance_norm;
  domain.Add(&instance_norm);
}

}  // namespace medlsam::onnx
