#pragma once

#include <ATen/ATen.h>

#include <string>

#include "torch/aten/gpu_choices.hpp"

namespace medlsam::torch {

// The device and type to compute on and in; a GPU is set to give the same bytes on every run. `device` is a
// name as Device::parse takes it. Throws kRuntimeUnavailable for a device that is not there, kBadArgument for
// a name that is not one of a device.
at::TensorOptions tensor_options(const std::string& device, at::ScalarType precision);

// Allows or forbids cuDNN to multiply float32 in TF32 (10 bits) from here on. In training that is fifteen
// times as fast for small networks, whose convolutions have no other fast kernels; networks in use forbid it.
void allow_tf32(bool allowed);

// While it lives, cuDNN chooses its kernels as these choices say.
class Arithmetic {
 public:
  explicit Arithmetic(const GpuChoices& choices);
  ~Arithmetic();
  Arithmetic(const Arithmetic&) = delete;
  Arithmetic& operator=(const Arithmetic&) = delete;

 private:
  bool benchmark_, deterministic_;  // as they were before
};

}  // namespace medlsam::torch
