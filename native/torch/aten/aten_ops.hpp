// The `Ops` of networks/ over ATen: every operation is computed at once, on any device and in any precision,
// and is recorded for differentiation where a weight asks for it.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/tensor.hpp"

namespace medlsam::torch {

// Called between operations; throws kAborted once the caller has cancelled.
using Check = std::function<void()>;

// A network's parameters as tensors, by name.
using WeightMap = std::map<std::string, at::Tensor>;

class AtenOps {
 public:
  using Tensor = at::Tensor;

  // Finds weights in `weights`, and adds what is asked for and not there yet: a view of the caller's memory,
  // or a copy on another device or of another precision.
  AtenOps(WeightMap& weights, const at::TensorOptions& options, Check check)
      : weights_(weights), options_(options), check_(std::move(check)) {}

  // Training hides a part of level 4; without this, dropout does nothing.
  void set_dropout(std::function<Tensor(const Tensor&)> dropout) { dropout_ = std::move(dropout); }

  Tensor weight(const std::string& name, const TensorView& view);
  Tensor conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias, int padding);
  Tensor instance_norm_relu(const Tensor& x, float epsilon);
  Tensor max_pool3d(const Tensor& x, int size);
  Tensor upsample_trilinear(const Tensor& x, int factor);
  Tensor concat(const Tensor& a, const Tensor& b);
  Tensor flatten(const Tensor& x);
  Tensor dropout(const Tensor& x);
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

 private:
  WeightMap& weights_;
  at::TensorOptions options_;
  Check check_;
  std::function<Tensor(const Tensor&)> dropout_;
};

}  // namespace medlsam::torch
