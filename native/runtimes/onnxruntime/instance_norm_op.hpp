// Instance normalization and ReLU in one operation. ONNX Runtime's own InstanceNormalization (1.30) adds the
// 64³ values of a channel up in single precision one after another: its results are off by up to 4e-4, enough
// to move a found point. This one is exact to 1e-6, and takes each channel from the cache where two
// operations would go through memory.
#pragma once

#include "runtimes/onnxruntime/api.hpp"

namespace medlsam::onnx {

// x (n, c, …) → the same shape; attribute `epsilon`.
inline constexpr const char* kInstanceNormRelu = "InstanceNormRelu";

void add_instance_norm(Ort::CustomOpDomain& domain);

}  // namespace medlsam::onnx
