// SAM's attention as operations of our own for ONNX Runtime's CPU provider, which has none with relative
// positions: built from its own, the scores of one global block of ViT-B are 800 MB, read and written five
// times.
#pragma once

#include "runtimes/onnxruntime/api.hpp"

namespace medlsam::onnx {

// Inputs, shapes and attributes as Op::kAttention and Op::kWindowAttention (networks/graph.hpp).
inline constexpr const char* kAttention = "Attention";
inline constexpr const char* kWindowAttention = "WindowAttention";

void add_attention(Ort::CustomOpDomain& domain);

}  // namespace medlsam::onnx
