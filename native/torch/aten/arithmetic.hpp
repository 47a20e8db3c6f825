#pragma once

#include <ATen/ATen.h>

#include <string>

namespace medlsam::torch {

// Where and in what arithmetic; a GPU is set to give the same bytes on every run. `device` is what
// Device::parse takes. Throws kRuntimeUnavailable for a device that is not there, kBadArgument for one that
// is none.
at::TensorOptions tensor_options(const std::string& device, at::ScalarType precision);

// Whether what is computed in float32 from here on may be multiplied in TF32 (10 bits) by cuDNN: for
// training, fifteen times as fast on small networks, whose convolutions have no other fast kernels. Networks
// forbid it.
void allow_tf32(bool allowed);

}  // namespace medlsam::torch
