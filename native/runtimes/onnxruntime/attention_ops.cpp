#include "runtimes/onnxruntime/attention_ops.hpp"

#include <cstdint>
#include <vector>

#include "base/error.hpp"
#include "kernels/attention_layouts.hpp"
#include "runtimes/onnxruntime/operations.hpp"

namespace medlsam::onnx {
namespace {

void expect(bool fits, const char* what) {
  if (!fits) throw Error(ErrorCode::kInternal, what);
}

std::vector<std::int64_t> shape_of(const Ort::ConstValue& value) {
  return value.GetTensorTypeAndShapeInfo().GetShape();
}

class AttentionKernel {
 public:
  explicit AttentionKernel(const OrtKernelInfo* info)
      : heads_(Ort::ConstKernelInfo(info).GetAttribute<std::int64_t>("heads")) {}

  void Compute(OrtKernelContext* raw) {
    Ort::KernelContext context(raw);
    const auto q = context.GetInput(0), k = context.GetInput(1), v = context.GetInput(2);
    const auto from = shape_of(q), to = shape_of(k);
    expect(from.size() == 3 && to.size() == 3 && shape_of(v) == to && from[2] == to[2] &&
               from[2] % heads_ == 0 && to[1] > 0 && (from[0] == to[0] || from[0] == 1 || to[0] == 1),
           "attention: shapes do not fit");
    TokenAttention attention = {.q = q.GetTensorData<float>(),
                                .k = k.GetTensorData<float>(),
                                .v = v.GetTensorData<float>(),
                                .query_batch = from[0],
                                .key_batch = to[0],
                                .queries = from[1],
                                .keys = to[1],
                                .width = from[2],
                                .heads = heads_};
    const std::vector<std::int64_t> shape = {attention.batch(), from[1], from[2]};
    attention.out = context.GetOutput(0, shape).GetTensorMutableData<float>();
    parallel(context, attention.items(), [&](std::int64_t item) { attention.run(item); });
  }

 private:
  std::int64_t heads_;
};

class WindowAttentionKernel {
 public:
  explicit WindowAttentionKernel(const OrtKernelInfo* info)
      : heads_(Ort::ConstKernelInfo(info).GetAttribute<std::int64_t>("heads")),
        window_(Ort::ConstKernelInfo(info).GetAttribute<std::int64_t>("window")) {}

  void Compute(OrtKernelContext* raw) {
    Ort::KernelContext context(raw);
    const auto qkv = context.GetInput(0);
    const auto shape = shape_of(qkv);
    expect(shape.size() == 4 && shape[3] % (3 * heads_) == 0,
           "window attention: the grid's shape does not fit");
    const std::int64_t h = shape[1], w = shape[2], width = shape[3] / 3, dim = width / heads_;
    const std::int64_t wh = window_ == 0 ? h : window_, ww = window_ == 0 ? w : window_;
    const auto bias = context.GetInput(1), tall = context.GetInput(2), wide = context.GetInput(3);
    expect(shape_of(bias) == std::vector{3 * width} && shape_of(tall) == std::vector{2 * wh - 1, dim} &&
               shape_of(wide) == std::vector{2 * ww - 1, dim},
           "window attention: the parameters' shapes do not fit");
    const RelativePositions vertical(tall.GetTensorData<float>(), static_cast<int>(wh),
                                     static_cast<int>(dim));
    const RelativePositions horizontal(wide.GetTensorData<float>(), static_cast<int>(ww),
                                       static_cast<int>(dim));
    const std::vector<std::int64_t> out_shape = {shape[0], h, w, width};
    const WindowAttention attention = {.qkv = qkv.GetTensorData<float>(),
                                       .bias = bias.GetTensorData<float>(),
                                       .out = context.GetOutput(0, out_shape).GetTensorMutableData<float>(),
                                       .batch = shape[0],
                                       .height = h,
                                       .width = w,
                                       .channels = width,
                                       .heads = heads_,
                                       .window_height = wh,
                                       .window_width = ww,
                                       .vertical = &vertical,
                                       .horizontal = &horizontal};
    parallel(context, attention.items(), [&](std::int64_t item) { attention.run(item); });
  }

 private:
  std::int64_t heads_, window_;
};

struct AttentionOp : Operation<AttentionOp, AttentionKernel, 3> {
  const char* GetName() const { return kAttention; }
  // The batch may be that of the keys: the operations that follow find it out.
};

struct WindowAttentionOp : Operation<WindowAttentionOp, WindowAttentionKernel, 4> {
  const char* GetName() const { return kWindowAttention; }
  // ONNX Runtime merges additions and norms only where it knows shapes.
  static Ort::Status InferOutputShape(Ort::ShapeInferContext& context) {
    auto shape = context.GetInputShape(0);
    if (shape.size() == 4 && shape[3].IsInt())
      shape[3] = Ort::ShapeInferContext::SymbolicInteger(shape[3].AsInt() / 3);
    return context.SetOutputShape(0, shape);
  }
};

}  // namespace

void add_attention(Ort::CustomOpDomain& domain) {
  static const AttentionOp attention;
  static const WindowAttentionOp window_attention;
  domain.Add(&attention);
  domain.Add(&window_attention);
}

}  // namespace medlsam::onnx
