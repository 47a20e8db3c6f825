#include "torch/aten/aten_ops.hpp"

#include "torch/aten/instance_norm.hpp"
#include "torch/aten/upsample.hpp"

namespace medlsam::torch {

using Tensor = AtenOps::Tensor;

Tensor AtenOps::weight(const std::string& name, const TensorView& view) {
  const auto found = weights_.find(name);
  if (found != weights_.end()) return found->second;
  const auto* data = reinterpret_cast<const float*>(view.bytes.data());
  const Tensor borrowed = at::from_blob(const_cast<float*>(data), view.shape, at::kFloat);
  return weights_.emplace(name, borrowed.to(options_)).first->second;
}

Tensor AtenOps::conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias, int padding) {
  check_();
  // oneDNN's gradients of weights in bfloat16 are now and then no numbers where the image is this small.
  if (x.is_cpu() && x.scalar_type() == at::kBFloat16 && x.size(4) < 4) {
    return at::conv3d(x.to(at::kFloat), weight.to(at::kFloat), bias.to(at::kFloat), 1, padding)
        .to(at::kBFloat16);
  }
  // oneDNN convolves with the channels last in up to half the time, and what follows keeps that order.
  const bool last = x.is_cpu() && x.scalar_type() == at::kFloat;
  return at::conv3d(last ? x.contiguous(at::MemoryFormat::ChannelsLast3d) : x, weight, bias, 1, padding);
}

Tensor AtenOps::instance_norm_relu(const Tensor& x, float epsilon) {
  check_();
  return torch::instance_norm_relu(x, static_cast<double>(epsilon));
}

Tensor AtenOps::max_pool3d(const Tensor& x, int size) {
  return at::max_pool3d(x, size);
}

Tensor AtenOps::upsample_trilinear(const Tensor& x, int factor) {
  if (factor == 2) return upsample_double(x);
  return at::upsample_trilinear3d(x, {x.size(2) * factor, x.size(3) * factor, x.size(4) * factor}, false);
}

Tensor AtenOps::concat(const Tensor& a, const Tensor& b) {
  return at::cat({a, b}, 1);
}

Tensor AtenOps::flatten(const Tensor& x) {
  return at::flatten(x, 1);
}

Tensor AtenOps::dropout(const Tensor& x) {
  return dropout_ ? dropout_(x) : x;
}

Tensor AtenOps::linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  check_();
  return at::linear(x, weight, bias);
}

Tensor AtenOps::linear(const Tensor& x, const Tensor& weight) {
  check_();
  return at::linear(x, weight);
}

Tensor AtenOps::conv2d(const Tensor& x, const Tensor& weight, int padding) {
  return at::conv2d(x, weight, {}, 1, padding);
}

Tensor AtenOps::layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, float epsilon) {
  return at::layer_norm(x, {x.size(-1)}, weight, bias, static_cast<double>(epsilon));
}

Tensor AtenOps::relu(const Tensor& x) {
  return at::relu(x);
}

Tensor AtenOps::gelu(const Tensor& x) {
  return at::gelu(x);
}

Tensor AtenOps::add(const Tensor& a, const Tensor& b) {
  return at::add(a, b);
}

Tensor AtenOps::reshape(const Tensor& x, const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> wanted = shape;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == 0) wanted[i] = x.size(static_cast<std::int64_t>(i));
  }
  return x.reshape(wanted);
}

Tensor AtenOps::transpose(const Tensor& x, const std::vector<std::int64_t>& axes) {
  return x.permute(axes);
}

Tensor AtenOps::slice(const Tensor& x, int axis, std::int64_t begin, std::int64_t end) {
  return x.slice(axis, begin, end);
}

Tensor AtenOps::matmul_transposed(const Tensor& a, const Tensor& b) {
  check_();
  return at::matmul(a, b.transpose(-1, -2));
}

}  // namespace medlsam::torch
