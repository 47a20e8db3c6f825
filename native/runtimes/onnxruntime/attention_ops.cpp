#include "runtimes/onnxruntime/attention_ops.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/error.hpp"
#include "kernels/attention.hpp"
#include "runtimes/onnxruntime/operations.hpp"

namespace medlsam::onnx {
namespace {

// Queries that one thread takes on at a time: more would leave threads idle at the end, fewer would pack the
// keys too often.
constexpr std::int64_t kChunk = 1024;

void expect(bool fits, const char* what) {
  if (!fits) throw Error(ErrorCode::kInternal, what);
}

std::vector<std::int64_t> shape_of(const Ort::ConstValue& value) {
  return value.GetTensorTypeAndShapeInfo().GetShape();
}

std::int64_t chunks_of(std::int64_t queries) {
  return (queries + kChunk - 1) / kChunk;
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
    const std::int64_t batch = std::min(from[0], to[0]) == 0 ? 0 : std::max(from[0], to[0]);
    const std::int64_t width = from[2], queries = from[1], keys = to[1], chunks = chunks_of(queries);
    const std::vector<std::int64_t> shape = {batch, queries, width};
    float* out = context.GetOutput(0, shape).GetTensorMutableData<float>();
    const float *q_data = q.GetTensorData<float>(), *k_data = k.GetTensorData<float>(),
                *v_data = v.GetTensorData<float>();

    parallel(context, batch * heads_ * chunks, [&](std::int64_t index) {
      const std::int64_t n = index / (heads_ * chunks), head = index / chunks % heads_,
                         chunk = index % chunks;
      const std::int64_t channel = head * (width / heads_);
      const float* q_rows = q_data + (from[0] == 1 ? 0 : n * queries * width) + channel;
      const std::int64_t key_offset = (to[0] == 1 ? 0 : n * keys * width) + channel;
      float* out_rows = out + n * queries * width + channel;
      std::vector<AttentionQuery> asked;
      for (std::int64_t i = chunk * kChunk; i < std::min(queries, (chunk + 1) * kChunk); ++i) {
        asked.push_back({q_rows + i * width, out_rows + i * width, 0, 0});
      }
      std::vector<AttentionKey> seen;
      for (std::int64_t i = 0; i < keys; ++i) {
        seen.push_back({k_data + key_offset + i * width, v_data + key_offset + i * width});
      }
      attend({.dim = static_cast<int>(width / heads_),
              .queries = asked,
              .keys = seen,
              .line = static_cast<int>(keys)});
    });
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
    float* out = context.GetOutput(0, out_shape).GetTensorMutableData<float>();
    const float *in = qkv.GetTensorData<float>(), *added = bias.GetTensorData<float>();

    const std::int64_t rows = (h + wh - 1) / wh, columns = (w + ww - 1) / ww, chunks = chunks_of(wh * ww);
    parallel(context, shape[0] * rows * columns * heads_ * chunks, [&](std::int64_t index) {
      const std::int64_t chunk = index % chunks, channel = index / chunks % heads_ * dim;
      const std::int64_t place = index / (chunks * heads_), n = place / (rows * columns);
      const std::int64_t top = place / columns % rows * wh, left = place % columns * ww;
      std::vector<AttentionQuery> asked;
      std::vector<AttentionKey> seen;
      for (std::int64_t cell = 0; cell < wh * ww; ++cell) {
        const std::int64_t y = cell / ww, x = cell % ww;
        if (top + y >= h || left + x >= w) {
          seen.push_back({nullptr, nullptr});
          continue;
        }
        const std::int64_t token = (n * h + top + y) * w + left + x;
        const float* row = in + token * 3 * width + channel;
        seen.push_back({row + width, row + 2 * width});
        if (cell / kChunk == chunk) {
          asked.push_back({row, out + token * width + channel, static_cast<std::int32_t>(y),
                           static_cast<std::int32_t>(x)});
        }
      }
      attend({.dim = static_cast<int>(dim),
              .queries = asked,
              .keys = seen,
              .line = static_cast<int>(ww),
              .query_bias = added + channel,
              .value_bias = added + 2 * width + channel,
              .vertical = &vertical,
              .horizontal = &horizontal});
    });
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
