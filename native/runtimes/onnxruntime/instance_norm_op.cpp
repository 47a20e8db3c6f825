#include "runtimes/onnxruntime/instance_norm_op.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "base/simd.hpp"
#include "runtimes/onnxruntime/operations.hpp"

namespace medlsam::onnx {
namespace {

constexpr std::int64_t kLanes = 32;    // independent sums, so that the compiler may use vectors
constexpr std::int64_t kBlock = 4096;  // values summed in float before they join a double

// Σ (x − shift), or of its squares.
template <bool kSquares>
MEDLSAM_INLINE double sum(const float* x, std::int64_t count, float shift) {
  double total = 0;
  for (std::int64_t begin = 0; begin < count; begin += kBlock) {
    const std::int64_t end = std::min(count, begin + kBlock);
    float lanes[kLanes] = {};
    std::int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes) {
      for (std::int64_t j = 0; j < kLanes; ++j) {
        const float value = x[i + j] - shift;
        lanes[j] += kSquares ? value * value : value;
      }
    }
    for (; i < end; ++i) lanes[0] += kSquares ? (x[i] - shift) * (x[i] - shift) : x[i] - shift;
    for (const float lane : lanes) total += static_cast<double>(lane);
  }
  return total;
}

// One channel of one patch; `out` may be `x`.
MEDLSAM_SIMD void normalize_channel(const float* x, float* out, std::int64_t count, float epsilon) {
  const auto n = static_cast<double>(count);
  const auto mean = static_cast<float>(sum<false>(x, count, 0.0f) / n);
  const double variance = sum<true>(x, count, mean) / n;
  const auto scale = static_cast<float>(1 / std::sqrt(variance + static_cast<double>(epsilon)));
  for (std::int64_t i = 0; i < count; ++i) {
    const float value = (x[i] - mean) * scale;
    out[i] = value > 0 ? value : 0;
  }
}

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
      normalize_channel(x + channel * count, out + channel * count, count, epsilon_);
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
