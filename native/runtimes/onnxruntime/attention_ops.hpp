// SAM's attention as operations of our own for ONNX Runtime's CPU provider, which has none with relative
// positions: built from its own, the scores of one global block of ViT-B are 800 MB, read and written five
// times.
#pragma once

#include "runtimes/onnxruntime/api.hpp"

namespace medlsam::onnx {

// Inputs and shapes as Ops::attention and Ops::window_attention (networks/sam_encoder.hpp); attributes
// `heads`, and `window` of the second.
inline constexpr const char* kAttention = "Attention";
inline constexpr const char* kWindowAttention = "WindowAttention";

void add_attention(Ort::CustomOpDomain& domain);

}  // namespace medlsam::onnx
